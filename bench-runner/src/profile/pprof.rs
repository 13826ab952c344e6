//! The protobuf that pprof reads:
//! <https://github.com/google/pprof/blob/main/proto/profile.proto>, of which these are the numbers.

use std::collections::HashMap;

use super::Profile;

/// Fields of `Profile`.
mod field {
    pub(super) const SAMPLE_TYPE: u32 = 1;
    pub(super) const SAMPLE: u32 = 2;
    pub(super) const LOCATION: u32 = 4;
    pub(super) const FUNCTION: u32 = 5;
    pub(super) const STRING_TABLE: u32 = 6;
    pub(super) const PERIOD_TYPE: u32 = 11;
    pub(super) const PERIOD: u32 = 12;
}

/// A profile as pprof's protobuf, not compressed.
pub(super) fn encode(profile: &Profile) -> Vec<u8> {
    let mut strings = Strings::new();
    let mut out = Message::default();
    let mut period_type = Message::default();
    for (number, (name, unit)) in profile.sort.pprof_types().into_iter().enumerate() {
        let mut value_type = Message::default();
        value_type.number(1, strings.id(name));
        value_type.number(2, strings.id(unit));
        out.message(field::SAMPLE_TYPE, &value_type);
        if number == 0 {
            period_type = value_type;
        }
    }
    // A function is a location of its own: what was inlined was resolved before.
    let mut functions: HashMap<&str, u64> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    for (stack, weights) in profile.stacks() {
        let mut locations = Vec::with_capacity(stack.len());
        for frame in stack.iter().rev() {
            let next = functions.len() as u64 + 1;
            let id = *functions.entry(frame).or_insert_with(|| {
                order.push(frame);
                next
            });
            locations.push(id);
        }
        let mut sample = Message::default();
        sample.numbers(1, &locations);
        sample.numbers(2, weights);
        out.message(field::SAMPLE, &sample);
    }
    for (id, name) in (1..).zip(order) {
        let name = strings.id(name);
        let mut line = Message::default();
        line.number(1, id);
        let mut location = Message::default();
        location.number(1, id);
        location.message(4, &line);
        out.message(field::LOCATION, &location);
        let mut function = Message::default();
        function.number(1, id);
        function.number(2, name);
        function.number(3, name);
        out.message(field::FUNCTION, &function);
    }
    for text in &strings.all {
        out.bytes(field::STRING_TABLE, text.as_bytes());
    }
    out.message(field::PERIOD_TYPE, &period_type);
    out.number(field::PERIOD, 1);
    out.0
}

/// Texts by number; the first is empty, as the format wants it.
struct Strings {
    all: Vec<String>,
    known: HashMap<String, u64>,
}

impl Strings {
    fn new() -> Self {
        Self {
            all: vec![String::new()],
            known: HashMap::new(),
        }
    }

    fn id(&mut self, text: &str) -> u64 {
        if let Some(&id) = self.known.get(text) {
            return id;
        }
        let id = self.all.len() as u64;
        self.all.push(text.to_owned());
        self.known.insert(text.to_owned(), id);
        id
    }
}

/// A protobuf message on its way.
#[derive(Debug, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u32, value: u64) {
        self.varint(u64::from(field << 3));
        self.varint(value);
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(u64::from(field << 3 | 2));
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u32, message: &Message) {
        self.bytes(field, &message.0);
    }

    /// Numbers in one, packed.
    fn numbers(&mut self, field: u32, values: &[u64]) {
        let mut packed = Message::default();
        values.iter().for_each(|&value| packed.varint(value));
        self.message(field, &packed);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::Sort;
    use super::super::stacks::tests::profile;
    use super::*;

    /// Fields of a message: numbers as they are, the rest as bytes.
    fn fields(mut bytes: &[u8]) -> Vec<(u32, u64, &[u8])> {
        let varint = |bytes: &mut &[u8]| {
            let (mut value, mut shift) = (0_u64, 0);
            loop {
                let (first, rest) = bytes.split_first().unwrap();
                *bytes = rest;
                value |= u64::from(first & 0x7f) << shift;
                shift += 7;
                if first & 0x80 == 0 {
                    return value;
                }
            }
        };
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let value = varint(&mut bytes);
            let content = match key & 7 {
                0 => &[],
                _ => {
                    let (content, rest) = bytes.split_at(usize::try_from(value).unwrap());
                    bytes = rest;
                    content
                }
            };
            fields.push(((key >> 3) as u32, value, content));
        }
        fields
    }

    #[test]
    fn every_sample_leads_to_its_functions_innermost_first() {
        let encoded = encode(&profile(Sort::Locks));
        let all = fields(&encoded);
        let of = |field: u32| all.iter().filter(move |one| one.0 == field);
        let strings: Vec<&str> = of(field::STRING_TABLE)
            .map(|one| std::str::from_utf8(one.2).unwrap())
            .collect();
        assert_eq!(strings[0], "");
        let function_name = |id: u64| -> &str {
            let function = of(field::FUNCTION)
                .map(|one| fields(one.2))
                .find(|function| function[0].1 == id)
                .unwrap();
            strings[function[1].1 as usize]
        };
        let samples: Vec<(Vec<&str>, Vec<u8>)> = of(field::SAMPLE)
            .map(|one| {
                let sample = fields(one.2);
                let names = sample[0].2.iter().map(|&id| function_name(u64::from(id)));
                (names.collect(), sample[1].2.to_vec())
            })
            .collect();
        assert_eq!(samples.len(), 2);
        assert_eq!(
            samples[1].0,
            ["kv_indexer::b", "bench_runner::a", "KVEvent cpu=1"]
        );
        // 3,000 and 2, as varints.
        assert_eq!(samples[1].1, [0xb8, 0x17, 2]);
        let types: Vec<&str> = of(field::SAMPLE_TYPE)
            .map(|one| strings[fields(one.2)[0].1 as usize])
            .collect();
        assert_eq!(types, ["delay", "contentions"]);
    }
}
