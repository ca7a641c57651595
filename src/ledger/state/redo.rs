//! Records that were made before, made again.

use super::{After, Made, State};
use crate::chain::Link;
use crate::leg;
use crate::record::{Entry, Record};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::row::{At, RULES, Row};

/// A stored record of which everything was looked at that does not depend on the ledger it goes on with.
#[derive(Debug)]
pub struct Checked {
    entry: Entry,
    /// The link that its chain begins from.
    follows: Link,
    digest: [u8; 16],
}

impl Checked {
    /// A record that is to follow where the chain stands at `follows`.
    ///
    /// # Errors
    /// When the chain does not lead from there to it, or it is not balanced.
    pub fn new(entry: Entry, follows: Link) -> Result<Self, Refusal> {
        if follows.then(&entry.bytes) != entry.link {
            return Err(no_chain());
        }
        leg::must_be_balanced(&entry.record.legs)?;
        let digest = digest(&entry.record.request)?;
        Ok(Self { entry, follows, digest })
    }
}

impl State {
    /// Brings the memory near that `records` will look at in the largest tables: together it takes about as long as one
    /// of them alone.
    pub fn look_ahead(&self, records: &[Checked]) {
        let touch = |Checked { entry, .. }: &Checked| {
            let request = &entry.record.request;
            let payments = entry.record.rows.iter().map(|row| match row {
                Row::Charge(id, _) => self.charges.touch(id),
                _ => 0,
            });
            payments.fold(self.seen.touch(&(request.by, request.id)), |all, one| all ^ one)
        };
        std::hint::black_box(records.iter().map(touch).fold(0, |all, one| all ^ one));
    }

    /// Makes a record again.
    ///
    /// # Errors
    /// When it does not follow on the newest one, its chain does not lead here, or it leaves an account where it may not
    /// be; then nothing has changed.
    pub fn redo(&mut self, checked: Checked) -> Result<Entry, Refusal> {
        let Checked { entry, follows, digest } = checked;
        if follows != self.head.link {
            return Err(no_chain());
        }
        let balances = self.following(&entry.record)?;
        if !balances.iter().map(|after| after.before.touched).eq(entry.before.iter().copied()) {
            let text = "it does not lead to the records before it";
            return Err(Refusal::Invalid(text.into()));
        }
        self.make(&entry.record, entry.link, Made { balances, digest });
        Ok(entry)
    }

    /// The same of a record alone.
    #[cfg(test)]
    pub(crate) fn commit(&mut self, record: Record, bytes: Vec<u8>) -> Result<Entry, Refusal> {
        leg::must_be_balanced(&record.legs)?;
        let balances = self.following(&record)?;
        let entry = self.chained(record, bytes, &balances);
        let digest = digest(&entry.record.request)?;
        self.make(&entry.record, entry.link, Made { balances, digest });
        Ok(entry)
    }

    /// What is on the accounts of a record, which follows on the newest one, afterwards.
    fn following(&mut self, record: &Record) -> Result<Vec<After>, Refusal> {
        let invalid = |text: &str| Refusal::Invalid(text.to_owned());
        if record.seq != self.head.seq + 1 || record.at <= self.head.at {
            return Err(invalid("it does not follow on the one before"));
        }
        if record.at > At::LAST {
            return Err(Refusal::Clock);
        }
        let founds = record.rows.iter().any(|row| matches!(row, Row::Founding(_)));
        if self.founding.is_none() != founds && (!founds || self.accounts() > 0) {
            return Err(invalid("a ledger is founded by its first record, and not once it counts"));
        }
        let sets =
            |row: &Row| if let Row::Policy(policy) = row { Some(policy.rules) } else { None };
        if let Some(rules) = record.rows.iter().filter_map(sets).find(|rules| *rules > RULES) {
            self.unknown_rules = Some(rules);
        }
        self.must_know_its_rules()?;
        self.balances_with(&record.legs)
    }
}

fn no_chain() -> Refusal {
    Refusal::Invalid("the chain does not lead to it".into())
}

pub(super) fn digest(request: &Request) -> Result<[u8; 16], Refusal> {
    if request.id == 0 {
        return Ok([0; 16]);
    }
    let hash = blake3::hash(&request.bytes()?);
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    Ok(half)
}
