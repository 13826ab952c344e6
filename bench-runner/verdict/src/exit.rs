//! What a program that judged says to the shell, and how the reasons for it add up.

use serde::{Deserialize, Serialize};

/// How a command of the runner ends. The numbers are promises of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// 0: compared, and fine.
    Fine = 0,
    /// 1: a regression, an absolute rule or a target not met.
    Regression = 1,
    /// 2: wrong usage, or input that cannot be read.
    Usage = 2,
    /// 3: too few samples or nights, unconfirmed, or the canary missed.
    Inconclusive = 3,
    /// 4: expected series are missing or failed, or nothing could be compared.
    Incomplete = 4,
    /// 5: two named sides were measured in different environments.
    Incomparable = 5,
    /// 6: the server could not be reached or the upload failed; the report is safe in the spool.
    Server = 6,
}

impl ExitCode {
    /// The order in which codes win when several apply.
    pub const ORDER: [ExitCode; 7] = [
        ExitCode::Usage,
        ExitCode::Server,
        ExitCode::Regression,
        ExitCode::Incomplete,
        ExitCode::Incomparable,
        ExitCode::Inconclusive,
        ExitCode::Fine,
    ];

    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The code with this number, if the contract has one.
    pub fn from_code(code: u8) -> Option<ExitCode> {
        Self::ORDER.into_iter().find(|exit| exit.code() == code)
    }

    /// The one of several that wins; `Fine` when there is none.
    pub fn worst(codes: impl IntoIterator<Item = ExitCode>) -> ExitCode {
        let place = |exit: ExitCode| {
            Self::ORDER
                .iter()
                .position(|other| *other == exit)
                .unwrap_or(Self::ORDER.len())
        };
        codes
            .into_iter()
            .min_by_key(|exit| place(*exit))
            .unwrap_or(ExitCode::Fine)
    }

    /// The status that a verdict with this code carries. Usage and server errors give no verdict.
    pub fn status(self) -> Option<Status> {
        match self {
            ExitCode::Fine => Some(Status::Pass),
            ExitCode::Regression => Some(Status::Fail),
            ExitCode::Inconclusive => Some(Status::Inconclusive),
            ExitCode::Incomplete => Some(Status::Incomplete),
            ExitCode::Incomparable => Some(Status::Incomparable),
            ExitCode::Usage | ExitCode::Server => None,
        }
    }
}

impl Serialize for ExitCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

impl<'de> Deserialize<'de> for ExitCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = u8::deserialize(deserializer)?;
        ExitCode::from_code(code).ok_or_else(|| {
            serde::de::Error::custom(format!("exit code {code} is not one of 0 to 6"))
        })
    }
}

/// What a verdict comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Compared, and fine.
    Pass,
    /// Something got worse, or an absolute rule or a target is not met.
    Fail,
    /// The data cannot decide.
    Inconclusive,
    /// Something that should have been measured was not.
    Incomplete,
    /// The sides were measured in different environments.
    Incomparable,
}

impl Status {
    /// The exit code that stands for it.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Status::Pass => ExitCode::Fine,
            Status::Fail => ExitCode::Regression,
            Status::Inconclusive => ExitCode::Inconclusive,
            Status::Incomplete => ExitCode::Incomplete,
            Status::Incomparable => ExitCode::Incomparable,
        }
    }
}

/// Reasons found while judging, each with the code that it alone would cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons(Vec<(ExitCode, String)>);

impl Reasons {
    /// Notes one more.
    pub fn add(&mut self, code: ExitCode, text: impl Into<String>) {
        self.0.push((code, text.into()));
    }

    /// The code that wins; `Fine` when nothing was noted.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::worst(self.0.iter().map(|(code, _)| *code))
    }

    /// All texts, those of the winning code first, otherwise as they were noted.
    pub fn texts(&self) -> Vec<String> {
        ExitCode::ORDER
            .into_iter()
            .flat_map(|code| self.0.iter().filter(move |(own, _)| *own == code))
            .map(|(_, text)| text.clone())
            .collect()
    }

    /// Whether one of them causes `code`.
    pub fn has(&self, code: ExitCode) -> bool {
        self.0.iter().any(|(own, _)| *own == code)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn codes_win_in_the_order_of_the_contract() {
        use ExitCode::*;
        assert_eq!(ExitCode::ORDER.map(ExitCode::code), [2, 6, 1, 4, 5, 3, 0]);
        assert_eq!(
            ExitCode::worst([Fine, Inconclusive, Incomparable]),
            Incomparable
        );
        assert_eq!(ExitCode::worst([Incomplete, Regression]), Regression);
        assert_eq!(ExitCode::worst([Regression, Server, Usage]), Usage);
        assert_eq!(ExitCode::worst([]), Fine);
    }

    #[test]
    fn all_reasons_are_listed_the_winning_ones_first() {
        let mut reasons = Reasons::default();
        reasons.add(ExitCode::Inconclusive, "too few samples");
        reasons.add(ExitCode::Regression, "slower");
        reasons.add(ExitCode::Incomplete, "missing");
        assert_eq!(reasons.exit_code(), ExitCode::Regression);
        assert_eq!(reasons.texts(), ["slower", "missing", "too few samples"]);
    }

    #[test]
    fn a_code_travels_as_its_number() {
        assert_eq!(serde_json::to_string(&ExitCode::Incomparable).unwrap(), "5");
        assert_eq!(
            serde_json::from_str::<ExitCode>("4").unwrap(),
            ExitCode::Incomplete
        );
        let refused = serde_json::from_str::<ExitCode>("9")
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("exit code 9 is not one of 0 to 6"),
            "{refused}"
        );
    }
}
