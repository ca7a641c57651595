//! What goes into a log of requests and what comes back: postcard 1, fields in their order.

use crate::record::{Receipt, Unreadable};
use crate::refusal::Refusal;
use crate::request::Request;

/// What came of a request, for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    /// The record that says so; none when nothing was recorded, because nothing changed and nothing had to be kept.
    pub seq: Option<u64>,
    /// It was done before, and this is the answer of that time.
    pub replayed: bool,
    /// What came of it.
    pub result: Result<Receipt, Refusal>,
}

/// Requests as bytes.
///
/// # Errors
/// When they cannot be written, which no request brings about.
pub fn write(requests: &[Request]) -> Result<Vec<u8>, Unreadable> {
    postcard::to_allocvec(requests).map_err(|error| Unreadable(error.to_string()))
}

/// The same of requests whose own bytes ([`Request::bytes`]) are known.
#[must_use]
pub fn join(pieces: &[&[u8]]) -> Vec<u8> {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut bytes = Vec::with_capacity(len + 10);
    let mut count = pieces.len();
    // A count is written in groups of seven bits, the lowest first; the last is the one without the eighth.
    while count > 0x7f {
        bytes.push(u8::try_from(count & 0x7f).unwrap_or_default() | 0x80);
        count >>= 7;
    }
    bytes.push(u8::try_from(count).unwrap_or_default());
    pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
    bytes
}

/// Requests from bytes.
///
/// # Errors
/// When they are none of requests.
pub fn read(bytes: &[u8]) -> Result<Vec<Request>, Unreadable> {
    postcard::from_bytes(bytes).map_err(|error| Unreadable(error.to_string()))
}

/// Answers as bytes.
///
/// # Errors
/// When they cannot be written, which no answer brings about.
pub fn write_answers(answers: &[Answer]) -> Result<Vec<u8>, Unreadable> {
    postcard::to_allocvec(answers).map_err(|error| Unreadable(error.to_string()))
}

/// Answers from bytes.
///
/// # Errors
/// When they are none of answers.
pub fn read_answers(bytes: &[u8]) -> Result<Vec<Answer>, Unreadable> {
    postcard::from_bytes(bytes).map_err(|error| Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Workload;

    #[test]
    fn requests_and_answers_come_back_as_they_went() {
        let mut work = Workload::new(3);
        let requests: Vec<Request> = (0..500).map(|_| work.next_request().0).collect();
        assert_eq!(read(&write(&requests).unwrap()).unwrap(), requests);
        for count in [0, 1, 127, 128, 500] {
            let pieces: Vec<Vec<u8>> =
                requests[..count].iter().map(|request| request.bytes().unwrap()).collect();
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            assert_eq!(join(&pieces), write(&requests[..count]).unwrap());
        }
        let refused = Err(Refusal::Mismatch { seq: 7 });
        let receipt = Receipt { units: 3, available: u128::MAX, written_off: 1 };
        let answers = [
            Answer { seq: Some(7), replayed: true, result: Ok(receipt) },
            Answer { seq: None, replayed: false, result: refused },
        ];
        assert_eq!(read_answers(&write_answers(&answers).unwrap()).unwrap(), answers);
        assert!(read(&[0xff; 9]).is_err() && read_answers(&[9]).is_err());
    }
}
