//! Answers from the state and the journal, as operators read them.

use serde_json::Value;
use weir_ledger::account::{Account, Balance, Class, Kind, Standing};
use weir_ledger::explain::explain;
use weir_ledger::export::{Exporter, Format};
use weir_ledger::leg::{Leg, Side, Stage};
use weir_ledger::record::Entry;
use weir_ledger::row::Row;
use weir_ledger::statement::{Line, Statement};
use weir_ledger::{Currency, State};
use weir_model::charge::ChargeName;
use weir_model::money::{
    AccountBalance, ExportFormat, ExportPiece, LedgerExplanation, LedgerInfo, LedgerRecord,
    PersonalAccount, Posting, PostingStage, StatementInfo, StatementLine, Wallet,
};
use weir_model::{AccountId, ApiError, ErrorCode};

use super::acts::acts;
use super::fit::{fitting, newest_fitting};
use super::names::name_of;
use super::{ACCOUNTS_MAX, Question, RECORDS_MAX, value};
use crate::store::ledger::{Ledger, LedgerError};

/// Text of a piece of an export, and one record more; as JSON it may be twice as long.
const PIECE_BYTES: usize = 1 << 20;

/// Answers what is not a job.
pub(super) fn answer(ledger: &Ledger, question: &Question) -> Result<Value, ApiError> {
    let reader = Reader { ledger, currency: ledger.read(currency_of) };
    match question {
        Question::Stand => value(&reader.stand()),
        Question::Records { from, limit } => value(&reader.records(*from, *limit)?),
        Question::Explain { seq } => value(&reader.explain(*seq)?),
        Question::TrialBalance { from, limit } => value(&reader.trial_balance(*from, *limit)),
        Question::Wallet { account } => value(&reader.wallet(*account)),
        Question::Statement { account, of, upto, limit } => {
            value(&reader.statement(*account, *of, *upto, *limit)?)
        }
        Question::Export { format, from, continues } => {
            value(&reader.export(*format, *from, *continues)?)
        }
        Question::Acts { before, limit } => {
            value(&acts(ledger, *before, (*limit).min(RECORDS_MAX))?)
        }
        Question::Bill { bill } => {
            value(&ledger.read(|state| state.session(*bill, state.head().at)))
        }
        Question::Rehearse { first, request, of } => value(&reader.rehearse(first, request, *of)?),
        Question::TicketEvent { event } => value(&reader.event(*event)?),
        Question::TicketEvents { limit } => value(&reader.events(*limit)),
        Question::Member { account, channel } => value(&reader.member(*account, *channel)),
        Question::Payouts { account, limit } => value(&reader.payouts(*account, *limit)?),
        Question::Provider { provider } => value(&reader.provider(*provider)?),
        Question::Means { bills } => value(&ledger.read(|state| means(state, bills))),
        Question::Verify { .. } | Question::Verified => {
            Err(ApiError::new(ErrorCode::Internal, "a job is no question"))
        }
    }
}

fn currency_of(state: &State) -> Option<Currency> {
    state.founding().map(|founding| founding.currency.clone())
}

pub(super) struct Reader<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) currency: Option<Currency>,
}

impl Reader<'_> {
    fn stand(&self) -> LedgerInfo {
        let (head, accounts, is_even) =
            self.ledger.read(|state| (*state.head(), state.accounts(), state.totals().are_even()));
        LedgerInfo {
            currency: self.code(),
            decimals: self.currency.as_ref().map_or(0, Currency::exponent),
            seq: head.seq,
            at: (head.seq > 0).then(|| head.at.time()),
            hash: head.link.to_string(),
            accounts,
            is_even,
        }
    }

    fn records(&self, from: Option<u64>, limit: usize) -> Result<Vec<LedgerRecord>, ApiError> {
        let limit = limit.min(RECORDS_MAX);
        let newest = self.ledger.head().seq;
        let first = from.unwrap_or_else(|| (newest + 1).saturating_sub(limit as u64));
        let entries = self.ledger.records(first, limit).map_err(broken)?;
        let records = entries.iter().map(|entry| self.record(entry));
        if from.is_some() { fitting(records) } else { newest_fitting(records) }
    }

    fn explain(&self, seq: u64) -> Result<LedgerExplanation, ApiError> {
        let entries = self.ledger.records(seq, 1).map_err(broken)?;
        let entry = entries.first().filter(|entry| entry.record.seq == seq);
        let missing = || ApiError::new(ErrorCode::NotFound, format!("there is no record {seq}"));
        let entry = entry.ok_or_else(missing)?;
        let sentences = self.currency.as_ref().map(|currency| explain(&entry.record, currency));
        let (record, mut sentences) = (self.record(entry), sentences.unwrap_or_default());
        sentences
            .extend(record.charges.iter().map(|charge| format!("`weir refund` takes {charge}.")));
        Ok(LedgerExplanation { record, sentences })
    }

    /// By name, those of one answer.
    fn trial_balance(&self, from: usize, limit: usize) -> Vec<AccountBalance> {
        let view = self.ledger.read(State::all_balances);
        let rows = view.rows().skip(from).take(limit.min(ACCOUNTS_MAX));
        let mut all: Vec<AccountBalance> =
            rows.map(|(account, balance)| self.balance(*account, balance)).collect();
        all.sort_by(|one, other| one.account.cmp(&other.account));
        all
    }

    fn balance(&self, account: Account, balance: &Balance) -> AccountBalance {
        let class = account.kind.class();
        AccountBalance {
            account: account.to_string(),
            class: name(class).into(),
            debits: self.money(balance.debits_posted),
            credits: self.money(balance.credits_posted),
            reserved: self.money(balance.debits_pending),
            balance: self.signed(balance.net(class)),
            standing: standing(balance.standing).into(),
        }
    }

    fn wallet(&self, account: AccountId) -> Wallet {
        let (available, balances) = self.ledger.read(|state| {
            let now = state.head().at;
            let kinds =
                [Kind::Wallet, Kind::CreatorPending, Kind::CreatorPayable, Kind::CreatorDebt];
            (
                state.spendable(account, now),
                kinds.map(|kind| state.balance(&Account::person(kind, account))),
            )
        });
        let [wallet, pending, payable, debt] = balances;
        let net = |balance: &Balance, kind: Kind| self.signed(balance.net(kind.class()));
        Wallet {
            account,
            currency: self.code(),
            available: self.money(available),
            reserved: self.money(wallet.debits_pending),
            pending: net(&pending, Kind::CreatorPending),
            payable: net(&payable, Kind::CreatorPayable),
            debt: net(&debt, Kind::CreatorDebt),
            standing: standing(wallet.standing).into(),
        }
    }

    fn statement(
        &self,
        account: AccountId,
        of: PersonalAccount,
        upto: Option<u64>,
        limit: usize,
    ) -> Result<StatementInfo, ApiError> {
        let kind = match of {
            PersonalAccount::Wallet => Kind::Wallet,
            PersonalAccount::Pending => Kind::CreatorPending,
            PersonalAccount::Payable => Kind::CreatorPayable,
            PersonalAccount::Debt => Kind::CreatorDebt,
        };
        let (account, limit) = (Account::person(kind, account), limit.min(RECORDS_MAX));
        let statement = self.ledger.statement(account, upto.unwrap_or(u64::MAX), limit);
        let Statement { account, opening, lines, closing } = statement.map_err(broken)?;
        let balances: Vec<i128> = lines.iter().map(|line| line.balance).collect();
        let kept = newest_fitting(lines.into_iter().map(|line| self.line(line)))?;
        // What was on it before the first line that is told.
        let cut = balances.len() - kept.len();
        let opening = cut.checked_sub(1).map_or(opening, |last| balances[last]);
        Ok(StatementInfo {
            account: account.to_string(),
            currency: self.code(),
            opening: self.signed(opening),
            lines: kept,
            closing: self.signed(closing),
        })
    }

    fn line(&self, line: Line) -> StatementLine {
        StatementLine {
            seq: line.seq,
            at: line.at.time(),
            what: line.what.into(),
            reason: line.reason,
            debit: self.money(line.debits.into()),
            credit: self.money(line.credits.into()),
            balance: self.signed(line.balance),
        }
    }

    fn export(
        &self,
        format: ExportFormat,
        from: u64,
        continues: bool,
    ) -> Result<ExportPiece, ApiError> {
        let unfounded = || ApiError::new(ErrorCode::Conflict, "the ledger has no currency yet");
        let currency = self.currency.clone().ok_or_else(unfounded)?;
        let format = match format {
            ExportFormat::Hledger => Format::Hledger,
            ExportFormat::Beancount => Format::Beancount,
            ExportFormat::Csv => Format::Csv,
        };
        let exporter = Exporter::new(format, currency);
        let mut text = if continues { String::new() } else { exporter.header() };
        let mut next = None;
        for entry in self.ledger.records(from, RECORDS_MAX).map_err(broken)? {
            let unwritten =
                |error: std::fmt::Error| ApiError::new(ErrorCode::Internal, error.to_string());
            text += &exporter.record(&entry).map_err(unwritten)?;
            next = Some(entry.record.seq + 1);
            if text.len() > PIECE_BYTES {
                break;
            }
        }
        Ok(ExportPiece { text, next: next.filter(|next| *next <= self.ledger.head().seq) })
    }

    fn record(&self, entry: &Entry) -> LedgerRecord {
        let record = &entry.record;
        LedgerRecord {
            seq: record.seq,
            at: record.at.time(),
            what: record.request.command.name().into(),
            by: record.request.by,
            reason: record.request.reason.clone(),
            refused: record.result.as_ref().err().map(ToString::to_string),
            postings: record.legs.iter().map(|leg| self.posting(leg)).collect(),
            charges: record.rows.iter().filter_map(charge_of).collect(),
            hash: entry.link.to_string(),
        }
    }

    fn posting(&self, leg: &Leg) -> Posting {
        let amount = Some(self.money(leg.units.into()));
        let (debit, credit) = match leg.side {
            Side::Debit => (amount, None),
            Side::Credit => (None, amount),
        };
        let stage = match leg.stage {
            Stage::Posted => PostingStage::Posted,
            Stage::Reserved => PostingStage::Reserved,
            Stage::Released => PostingStage::Released,
        };
        Posting { account: leg.account.to_string(), stage, debit, credit }
    }

    pub(super) fn code(&self) -> Option<String> {
        self.currency.as_ref().map(|currency| currency.code().to_owned())
    }

    pub(super) fn money(&self, units: u128) -> String {
        let currency = self.currency.as_ref();
        currency.map_or_else(|| units.to_string(), |currency| currency.decimal(units).to_string())
    }

    pub(super) fn signed(&self, units: i128) -> String {
        let sign = if units < 0 { "-" } else { "" };
        format!("{sign}{}", self.money(units.unsigned_abs()))
    }
}

/// What each bill can come to: what was taken for it, what is reserved for it, and what its payer has beside.
fn means(state: &State, bills: &[(u128, AccountId)]) -> Vec<u64> {
    let now = state.head().at;
    let left = |(bill, payer): &(u128, AccountId)| {
        let bill = state.session(*bill, now);
        let paid = bill.map_or(0, |bill| {
            let rests = bill.open.iter().map(|(_, units, taken)| units.saturating_sub(*taken));
            u128::from(bill.taken) + rests.map(u128::from).sum::<u128>()
        });
        let all = paid.saturating_add(state.spendable(*payer, now));
        u64::try_from(all).unwrap_or(u64::MAX)
    };
    bills.iter().map(left).collect()
}

const fn charge_of(row: &Row) -> Option<ChargeName> {
    match row {
        Row::Charge(id, _) => Some(name_of(*id)),
        _ => None,
    }
}

const fn name(class: Class) -> &'static str {
    match class {
        Class::Assets => "assets",
        Class::Liabilities => "liabilities",
        Class::Income => "income",
        Class::Expenses => "expenses",
    }
}

pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "open",
        Standing::Frozen => "frozen",
        Standing::Closed => "closed",
    }
}

pub(super) fn broken(error: LedgerError) -> ApiError {
    ApiError::new(ErrorCode::Internal, error.to_string())
        .hint("`weir ledger verify` says which record is not as it was made")
}
