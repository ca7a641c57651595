//! How a command ends: the exit codes, in one place, and the form of errors.

use std::process::ExitCode;

use weir_client::ClientError;
use weir_client::discover::DiscoverError;
use weir_model::ErrorCode;

/// Exit codes. Scripts depend on them; they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Not done.
    Failed = 1,
    /// Wrong usage, or a question that nobody is there to answer.
    Usage = 2,
    /// No such thing.
    NotFound = 3,
    /// No token, a wrong one, or one that may not.
    Denied = 4,
    /// It exists already, or the state forbids it.
    Conflict = 5,
    /// No answer in time.
    Timeout = 6,
    /// Unreachable, not ready, or asked too often.
    Unreachable = 8,
    /// Stopped by the operator.
    Cancelled = 9,
    /// A check found something that wants attention.
    Warning = 10,
    /// A check found something that is broken.
    Critical = 11,
}

impl Exit {
    /// The word for it in JSON.
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Conflict => "conflict",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Cancelled => "cancelled",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) report: Report,
}

/// What stands on the standard error stream.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Report {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        let code = exit.word().to_owned();
        let report = Report { code, message: message.into(), hint: None, request_id: None };
        Self { exit, report }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.report.hint = Some(hint.into());
        self
    }

    /// Adds what else to do.
    pub(crate) fn also(mut self, hint: &str) -> Self {
        self.report.hint = Some(match self.report.hint.take() {
            Some(own) => format!("{own}; {hint}"),
            None => hint.to_owned(),
        });
        self
    }

    /// For people: a sentence, and what to do on the next line.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {}\n", self.report.message);
        if let Some(hint) = &self.report.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        if let (Some(id), Exit::Failed) = (&self.report.request_id, self.exit) {
            text.push_str(&format!("request: {id}\n"));
        }
        text
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::Api { error, .. } => code(error.code),
            ClientError::Decode { .. } => Exit::Failed,
            ClientError::Endpoint { .. } => Exit::Usage,
            ClientError::Timeout { .. } => Exit::Timeout,
            ClientError::Unreachable { .. } => Exit::Unreachable,
        };
        let mut failure = Self::new(exit, error.to_string());
        failure.report.hint = error.hint().map(str::to_owned);
        if let ClientError::Api { error, .. } = error {
            // The node's word says more than the code's.
            if let Ok(serde_json::Value::String(word)) = serde_json::to_value(error.code) {
                failure.report.code = word;
            }
            failure.report.request_id = error.request_id;
        }
        failure
    }
}

impl From<DiscoverError> for Failure {
    fn from(error: DiscoverError) -> Self {
        let exit = match &error {
            DiscoverError::NoNode => Exit::Unreachable,
            DiscoverError::File { .. } => Exit::Failed,
        };
        Self::new(exit, error.to_string()).hint(error.hint())
    }
}

const fn code(code: ErrorCode) -> Exit {
    match code {
        ErrorCode::Conflict => Exit::Conflict,
        ErrorCode::Forbidden | ErrorCode::Unauthorized => Exit::Denied,
        ErrorCode::Internal => Exit::Failed,
        ErrorCode::Invalid => Exit::Usage,
        ErrorCode::NotFound => Exit::NotFound,
        ErrorCode::Timeout => Exit::Timeout,
        ErrorCode::TooMany | ErrorCode::Unavailable => Exit::Unreachable,
    }
}
