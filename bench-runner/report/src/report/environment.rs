//! The machine: what identifies it, and what only describes the moment.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::limits::ENVIRONMENT_KEYS;

/// What identifies a machine. Its [`Environment::identity`] is part of every series' identity.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Environment {
    /// A name that people use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Such as `linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Such as `x86_64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Such as `6.1.0-18`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// As the processor names itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<String>,
    /// Usable logical processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_count: Option<u32>,
    /// Whether siblings share a core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smt: Option<bool>,
    /// Installed memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Frequency governor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// Whether boost is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turbo: Option<bool>,
    /// Such as `kvm` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtualization: Option<String>,
    /// Such as `rustc 1.95.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// Compiler flags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<String>,
    /// Such as `system` or `mimalloc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocator: Option<String>,
    /// Keys that this version does not know, each a text, a number or a boolean; they identify the
    /// machine all the same.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// The version of [`Environment::identity`].
pub const IDENTITY_VERSION: u32 = 1;

/// Which machine it was, as a hash that is equal for equal machines.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Which keys went into it. Identities of different versions say nothing about each other.
    pub version: u32,
    /// 32 lower-case hex digits.
    pub hash: String,
}

/// Keys that came after version 1, with the version that brought them. A version's hash leaves out
/// the keys of later ones: a store that knows a machine by an older version finds it again by
/// asking the new report for the identity of that version.
const LATER_KEYS: &[(&str, u32)] = &[];

impl Environment {
    /// The identity of the present version.
    pub fn identity(&self) -> Identity {
        self.identity_at(IDENTITY_VERSION)
    }

    /// The identity by the rules of a version: the hash of every key that is known, less `name` and
    /// the kernel's patch level, and less what came with later versions.
    pub fn identity_at(&self, version: u32) -> Identity {
        Identity {
            version,
            hash: hash_of(&self.keys(), version, LATER_KEYS),
        }
    }

    /// Every key that is known with its value, in the order of their names.
    pub fn keys(&self) -> BTreeMap<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(keys)) => keys.into_iter().collect(),
            // Texts, numbers and booleans under text keys always have a JSON object.
            _ => BTreeMap::new(),
        }
    }
}

fn hash_of(keys: &BTreeMap<String, Value>, version: u32, later: &[(&str, u32)]) -> String {
    let mut hash = Sha256::new();
    for (key, value) in keys {
        let is_later = later
            .iter()
            .any(|(name, since)| name == key && *since > version);
        if key == "name" || is_later {
            continue;
        }
        let text = match (key.as_str(), value) {
            ("kernel", Value::String(kernel)) => {
                Value::from(without_patch_level(kernel)).to_string()
            }
            _ => value.to_string(),
        };
        // Both are JSON texts, so that no value can be taken for the next key.
        hash.update(format!("{}:{text}\n", Value::from(key.as_str())));
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// `6.8` of `6.8.0-47-generic`; a text that does not begin with two numbers is left as it is.
fn without_patch_level(kernel: &str) -> &str {
    let Some((major, rest)) = kernel.split_once('.') else {
        return kernel;
    };
    let minor = rest.bytes().take_while(u8::is_ascii_digit).count();
    let is_number = !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && minor > 0 {
        &kernel[..=major.len() + minor]
    } else {
        kernel
    }
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Environment, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

/// Written by hand because a flattened map would be read into memory whole before its size and its
/// values could be looked at.
struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Environment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what identifies the machine")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Environment, A::Error> {
        let mut environment = Environment::default();
        let mut seen: usize = 0;
        while let Some(key) = entries.next_key::<String>()? {
            seen += 1;
            if seen > ENVIRONMENT_KEYS {
                return Err(de::Error::custom(format_args!(
                    "more than {ENVIRONMENT_KEYS} keys, which is the limit"
                )));
            }
            let it = &mut environment;
            let is_first = match key.as_str() {
                "name" => fill(&mut it.name, &mut entries)?,
                "os" => fill(&mut it.os, &mut entries)?,
                "arch" => fill(&mut it.arch, &mut entries)?,
                "kernel" => fill(&mut it.kernel, &mut entries)?,
                "cpu_model" => fill(&mut it.cpu_model, &mut entries)?,
                "cpu_count" => fill(&mut it.cpu_count, &mut entries)?,
                "smt" => fill(&mut it.smt, &mut entries)?,
                "memory_bytes" => fill(&mut it.memory_bytes, &mut entries)?,
                "governor" => fill(&mut it.governor, &mut entries)?,
                "turbo" => fill(&mut it.turbo, &mut entries)?,
                "virtualization" => fill(&mut it.virtualization, &mut entries)?,
                "compiler" => fill(&mut it.compiler, &mut entries)?,
                "flags" => fill(&mut it.flags, &mut entries)?,
                "allocator" => fill(&mut it.allocator, &mut entries)?,
                _ => {
                    let Scalar(value) = entries.next_value()?;
                    it.other.insert(key.clone(), value).is_none()
                }
            };
            if !is_first {
                return Err(de::Error::custom(format_args!(
                    "the key {key:?} is given twice"
                )));
            }
        }
        Ok(environment)
    }
}

/// Reads a value into its place; false if there was one already.
fn fill<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    place: &mut Option<T>,
    entries: &mut A,
) -> Result<bool, A::Error> {
    let before = std::mem::replace(place, entries.next_value()?);
    Ok(before.is_none())
}

/// A text, a number or a boolean.
struct Scalar(Value);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        struct ScalarVisitor;

        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a boolean")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.into()))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// What describes the machine at the moment of a run, or of one benchmark.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Conditions {
    /// Host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// One-minute load average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_1m: Option<f64>,
    /// Processor time that the hypervisor gave to others, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_percent: Option<f64>,
    /// Mean core frequency, MHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_mhz: Option<f64>,
    /// Memory that could still be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_available_bytes: Option<u64>,
    /// The container's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn machine() -> Environment {
        Environment {
            name: Some("ci-a".into()),
            os: Some("linux".into()),
            kernel: Some("6.8.0-47-generic".into()),
            cpu_count: Some(8),
            turbo: Some(false),
            other: BTreeMap::from([("numa_nodes".into(), Value::from(2))]),
            ..Environment::default()
        }
    }

    #[test]
    fn a_new_name_or_kernel_patch_is_the_same_machine() {
        let mut renamed = machine();
        renamed.name = None;
        renamed.kernel = Some("6.8.3-1".into());
        assert_eq!(renamed.identity(), machine().identity());
    }

    #[test]
    fn any_other_difference_is_another_machine() {
        let changes: [fn(&mut Environment); 5] = [
            |it| it.kernel = Some("6.9.0-47-generic".into()),
            |it| it.cpu_count = Some(4),
            |it| it.turbo = None,
            |it| it.governor = Some("performance".into()),
            |it| it.other.clear(),
        ];
        for change in changes {
            let mut changed = machine();
            change(&mut changed);
            assert_ne!(changed.identity(), machine().identity());
        }
    }

    #[test]
    fn identities_of_version_1_never_change() {
        // Stores hold these hashes: a change of this value splits every history.
        assert_eq!(
            machine().identity_at(1).hash,
            "b46055f8eacc276dcb6bd5f7f301f468"
        );
    }

    #[test]
    fn a_key_that_came_later_does_not_enter_an_older_version() {
        let with_key = machine().keys();
        let mut without_key = with_key.clone();
        without_key.remove("numa_nodes");
        let later = [("numa_nodes", 2)];
        assert_eq!(
            hash_of(&with_key, 1, &later),
            hash_of(&without_key, 1, &later)
        );
        assert_ne!(
            hash_of(&with_key, 2, &later),
            hash_of(&without_key, 2, &later)
        );
    }

    #[test]
    fn the_patch_level_is_what_follows_major_and_minor() {
        for (kernel, expected) in [
            ("6.8.0-47-generic", "6.8"),
            ("6.1", "6.1"),
            ("5.15-rc1", "5.15"),
            ("6", "6"),
            ("custom.kernel", "custom.kernel"),
            ("6.x", "6.x"),
            ("", ""),
        ] {
            assert_eq!(without_patch_level(kernel), expected);
        }
    }

    #[test]
    fn unknown_keys_survive_and_structures_are_refused() {
        let json = serde_json::to_string(&machine()).unwrap();
        assert_eq!(
            serde_json::from_str::<Environment>(&json).unwrap(),
            machine()
        );
        let refused = |json: &str| {
            serde_json::from_str::<Environment>(json)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(r#"{"cache": [1, 2]}"#).contains("expected a text, a number or a boolean"));
        assert!(refused(r#"{"os": "linux", "os": "linux"}"#).contains("given twice"));
        let keys: Vec<_> = (0..65).map(|key| format!("\"k{key}\": 1")).collect();
        assert!(refused(&format!("{{{}}}", keys.join(","))).contains("more than 64 keys"));
    }
}
