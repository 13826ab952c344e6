//! What a measurement's row holds beside its value, as bytes: how many samples, their interval, and
//! the verdict. Every number comes back bit for bit; one that is no number is absent, as SQLite has
//! it.
//!
//! Layout, numbers little-endian:
//! 1. Code of band and evidence in the low 6 bits, how the change is written in the high 2.
//! 2. Which numbers are there, a bit each, in the order of [`near`]; the highest bit is that of
//!    the inputs' hash.
//! 3. Sample count and baseline runs, 7 bits a byte, the lowest first.
//! 4. For each number a half byte: which of its bytes are written; then those bytes.
//! 5. The hash, 8 bytes.
//!
//! A number is written as what sets it apart from one that is near: levels from the value, fractions
//! from [`FRACTION`]. Its first bytes are zeros then, or, where both have few digits, its last.

use crate::domain::{InputsHash, Judgement};

use super::{StoreError, code};

/// A fraction of the size that changes and noise have.
const FRACTION: f64 = 1.0 / 64.0;

/// What a row holds beside its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beside {
    pub(super) sample_count: u32,
    /// Ends of the 95% interval of the median; absent below 6 samples.
    pub(super) interval: Option<(f64, f64)>,
    pub(super) judgement: Judgement,
}

/// Packs what stands beside a value.
pub(super) fn pack(value: f64, beside: &Beside) -> Vec<u8> {
    let judged = &beside.judgement;
    let change = Change::of(judged.change, value, judged.baseline);
    let mut numbers = [
        beside.interval.map(|ends| ends.0),
        beside.interval.map(|ends| ends.1),
        judged.baseline,
        judged.accepted_level,
        judged.noise_floor,
        judged.detectable_change,
        judged.creep,
    ]
    .map(|one| one.and_then(some_number));
    if numbers[0].is_none() || numbers[1].is_none() {
        (numbers[0], numbers[1]) = (None, None);
    }
    let mut there = u8::from(judged.inputs.is_some()) << 7;
    let mut apart = Vec::with_capacity(8);
    for (place, (number, near)) in numbers.into_iter().zip(near(value)).enumerate() {
        if let Some(number) = number {
            there |= 1 << place;
            apart.push(number.to_bits() ^ near.to_bits());
        }
    }
    if let Change::Written(change) = change {
        apart.push(change.to_bits() ^ FRACTION.to_bits());
    }
    let mut out = Vec::with_capacity(80);
    out.push(code::verdict(judged.band, judged.evidence) | change.code() << 6);
    out.push(there);
    push_count(&mut out, u64::from(beside.sample_count));
    push_count(&mut out, u64::from(judged.baseline_runs));
    let halves = out.len();
    out.resize(halves + apart.len().div_ceil(2), 0);
    for (place, bits) in apart.into_iter().enumerate() {
        let half = push_trimmed(&mut out, bits);
        out[halves + place / 2] |= half << (place % 2 * 4);
    }
    if let Some(hash) = judged.inputs {
        out.extend(hash.0.to_le_bytes());
    }
    out
}

/// What stands beside a value of run `run`.
pub(super) fn unpack(value: f64, bytes: &[u8], run: i64) -> Result<Beside, StoreError> {
    read(value, bytes).ok_or_else(|| StoreError::Damaged {
        what: "a measurement of run",
        id: run,
        why: format!("{} bytes that are no verdict", bytes.len()),
    })
}

fn read(value: f64, bytes: &[u8]) -> Option<Beside> {
    let [first, there, rest @ ..] = bytes else {
        return None;
    };
    let (band, evidence) = code::from_verdict(first & 0x3f)?;
    let (sample_count, rest) = split_count(rest)?;
    let (baseline_runs, rest) = split_count(rest)?;
    let is_written = first >> 6 == WRITTEN;
    let count = (there & 0x7f).count_ones() as usize + usize::from(is_written);
    let (halves, mut rest) = rest.split_at_checked(count.div_ceil(2))?;
    let mut place = 0;
    let mut next = |near: f64| {
        let half = halves.get(place / 2)? >> (place % 2 * 4) & 0xf;
        place += 1;
        let bits;
        (bits, rest) = split_trimmed(half, rest)?;
        some_number(f64::from_bits(bits ^ near.to_bits()))
    };
    let mut numbers = [None; 7];
    for (place, (number, near)) in numbers.iter_mut().zip(near(value)).enumerate() {
        if there >> place & 1 == 1 {
            *number = Some(next(near)?);
        }
    }
    let written = match is_written {
        true => Some(next(FRACTION)?),
        false => None,
    };
    let inputs = match (there >> 7, rest) {
        (0, []) => None,
        (1, hash) => Some(InputsHash(u64::from_le_bytes(hash.try_into().ok()?))),
        _ => return None,
    };
    let [
        low,
        high,
        baseline,
        accepted_level,
        noise_floor,
        detectable_change,
        creep,
    ] = numbers;
    Some(Beside {
        sample_count: u32::try_from(sample_count).ok()?,
        interval: low.zip(high),
        judgement: Judgement {
            baseline,
            baseline_runs: u32::try_from(baseline_runs).ok()?,
            change: match first >> 6 {
                ABSENT => None,
                WORSE_UP => Some(some_number(worse_up(value, baseline?))?),
                WORSE_DOWN => Some(some_number(worse_down(value, baseline?))?),
                _ => written,
            },
            band,
            evidence,
            noise_floor,
            detectable_change,
            accepted_level,
            creep,
            inputs,
        },
    })
}

fn some_number(number: f64) -> Option<f64> {
    (!number.is_nan()).then_some(number)
}

/// What each number of a row is near to, in the order in which they are written: the interval's ends,
/// baseline, accepted level, noise floor, detectable change, creep.
fn near(value: f64) -> [f64; 7] {
    [value, value, value, value, FRACTION, FRACTION, FRACTION]
}

/// How a change is written. What value and baseline say already takes no room; whether they do is
/// tried, so that a change of any other origin comes back too.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Absent,
    WorseUp,
    WorseDown,
    Written(f64),
}

const ABSENT: u8 = 0;
const WORSE_UP: u8 = 1;
const WORSE_DOWN: u8 = 2;
const WRITTEN: u8 = 3;

impl Change {
    fn of(change: Option<f64>, value: f64, baseline: Option<f64>) -> Self {
        let Some(change) = change.and_then(some_number) else {
            return Self::Absent;
        };
        let is = |said: f64| said.to_bits() == change.to_bits();
        match baseline {
            Some(baseline) if is(worse_up(value, baseline)) => Self::WorseUp,
            Some(baseline) if is(worse_down(value, baseline)) => Self::WorseDown,
            _ => Self::Written(change),
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Absent => ABSENT,
            Self::WorseUp => WORSE_UP,
            Self::WorseDown => WORSE_DOWN,
            Self::Written(_) => WRITTEN,
        }
    }
}

/// As `bench_verdict::band::change` has it where lower is better.
fn worse_up(value: f64, baseline: f64) -> f64 {
    value / baseline - 1.0
}

/// The same where higher is better.
fn worse_down(value: f64, baseline: f64) -> f64 {
    1.0 - value / baseline
}

/// Writes the bytes of `bits` but the zeros at one end, and says which: up to 8, so many low ones;
/// above, so many high ones less 8.
fn push_trimmed(out: &mut Vec<u8>, bits: u64) -> u8 {
    let low = 8 - bits.leading_zeros() as usize / 8;
    let high = 8 - bits.trailing_zeros() as usize / 8;
    let (bytes, half) = if low <= high {
        (bits.to_le_bytes(), low)
    } else {
        (bits.to_be_bytes(), high + 8)
    };
    out.extend_from_slice(&bytes[..low.min(high)]);
    half as u8
}

fn split_trimmed(half: u8, bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut all = [0; 8];
    let is_low = half <= 8;
    let count = usize::from(if is_low { half } else { half - 8 });
    let (own, rest) = bytes.split_at_checked(count)?;
    all[..count].copy_from_slice(own);
    let bits = if is_low {
        u64::from_le_bytes(all)
    } else {
        u64::from_be_bytes(all)
    };
    Some((bits, rest))
}

/// Writes a count, 7 bits a byte.
pub(super) fn push_count(out: &mut Vec<u8>, mut count: u64) {
    while count >= 0x80 {
        out.push(count as u8 | 0x80);
        count >>= 7;
    }
    out.push(count as u8);
}

/// Reads a count from the front.
pub(super) fn split_count(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut count = 0;
    for (place, &byte) in bytes.iter().enumerate().take(9) {
        count |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some((count, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::super::judgement::WARMING;
    use super::*;
    use bench_verdict::verdict::{Band, Evidence};
    use proptest::prelude::*;

    /// Numbers of every size, and those at the ends; never one that is none.
    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            any::<i32>().prop_map(f64::from),
            0.5..2.0_f64,
            Just(0.0),
            Just(-0.0),
            Just(f64::MAX),
            Just(f64::MIN_POSITIVE),
            Just(5e-324),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
        ]
        .prop_filter("a number", |n| !n.is_nan())
    }

    fn judgement(value: f64) -> impl Strategy<Value = Judgement> {
        let maybe = || proptest::option::of(number());
        let levels = (maybe(), maybe(), maybe(), maybe(), maybe());
        let ruled = (0..7_u8, 0..6_u8, any::<u32>(), 0..4_u8, maybe());
        (levels, ruled, proptest::option::of(any::<u64>())).prop_map(
            move |(levels, (band, evidence, baseline_runs, how, change), hash)| {
                let (baseline, noise_floor, detectable_change, accepted_level, creep) = levels;
                let (band, evidence) = code::from_verdict(band * 8 + evidence).unwrap();
                let by_rule = |rule: fn(f64, f64) -> f64| some_number(rule(value, baseline?));
                Judgement {
                    baseline,
                    baseline_runs,
                    change: match how {
                        0 => None,
                        1 => by_rule(worse_up),
                        2 => by_rule(worse_down),
                        _ => change,
                    },
                    band,
                    evidence,
                    noise_floor,
                    detectable_change,
                    accepted_level,
                    creep,
                    inputs: hash.map(InputsHash),
                }
            },
        )
    }

    fn beside() -> impl Strategy<Value = (f64, Beside)> {
        let interval = proptest::option::of((number(), number()));
        (number(), any::<u32>(), interval).prop_flat_map(|(value, sample_count, interval)| {
            judgement(value).prop_map(move |judgement| {
                let beside = Beside {
                    sample_count,
                    interval,
                    judgement,
                };
                (value, beside)
            })
        })
    }

    /// As debug text, which tells the zeros apart.
    fn text(beside: &Beside) -> String {
        format!("{beside:?}")
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back_bit_for_bit((value, beside) in beside()) {
            let bytes = pack(value, &beside);
            let back = unpack(value, &bytes, 1).unwrap();
            prop_assert_eq!(text(&back), text(&beside));
            for end in 0..bytes.len() {
                prop_assert!(unpack(value, &bytes[..end], 1).is_err(), "{} bytes", end);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            value in number(),
            bytes in proptest::collection::vec(any::<u8>(), 0..90)
        ) {
            if let Ok(back) = unpack(value, &bytes, 1) {
                let again = unpack(value, &pack(value, &back), 1).unwrap();
                prop_assert_eq!(text(&again), text(&back));
            }
        }

        #[test]
        fn counts_of_every_size_come_back(count in any::<u64>().prop_map(|n| n >> (n % 63) >> 1)) {
            let mut out = Vec::new();
            push_count(&mut out, count);
            out.push(7);
            prop_assert_eq!(split_count(&out), Some((count, &[7][..])));
        }
    }

    #[test]
    fn what_is_no_number_is_absent() {
        let beside = Beside {
            sample_count: 7,
            interval: Some((1.0, f64::NAN)),
            judgement: Judgement {
                baseline: Some(f64::NAN),
                change: Some(f64::NAN),
                creep: Some(f64::NAN),
                noise_floor: Some(0.5),
                ..WARMING
            },
        };
        let back = unpack(1.0, &pack(1.0, &beside), 1).unwrap();
        let noise_floor = Some(0.5);
        assert_eq!(
            back.judgement,
            Judgement {
                noise_floor,
                ..WARMING
            }
        );
        assert_eq!(back.interval, None);
        // The same bytes beside another value would say that its baseline is none.
        let level = Beside {
            judgement: Judgement {
                baseline: Some(1.0),
                ..WARMING
            },
            ..back
        };
        let bytes = pack(1.0, &level);
        assert!(unpack(1.0, &bytes, 1).is_ok());
        assert!(unpack(f64::NAN, &bytes, 1).is_err());
    }

    #[test]
    fn a_night_of_a_time_takes_some_fifty_bytes_and_a_count_a_dozen() {
        let value = 12_345.678_901;
        let baseline = 12_300.123_4;
        let judgement = Judgement {
            baseline: Some(baseline),
            baseline_runs: 7,
            change: Some(value / baseline - 1.0),
            band: Band::None,
            evidence: Evidence::Noise,
            noise_floor: Some(0.012_345_678),
            detectable_change: Some(0.023_456_789),
            accepted_level: Some(12_299.567_8),
            creep: None,
            inputs: Some(InputsHash(0x0123_4567_89ab_cdef)),
        };
        let time = Beside {
            sample_count: 10,
            interval: Some((12_222.2, 12_444.4)),
            judgement,
        };
        let bytes = pack(value, &time).len();
        assert!(bytes <= 54, "{bytes} bytes");
        let count = Beside {
            sample_count: 10,
            interval: Some((3.0, 3.0)),
            judgement: Judgement {
                baseline: Some(3.0),
                change: Some(0.0),
                noise_floor: None,
                detectable_change: None,
                accepted_level: None,
                ..judgement
            },
        };
        let bytes = pack(3.0, &count).len();
        assert!(bytes <= 14, "{bytes} bytes");
    }
}
