//! L1. Who may do what, as pure functions.
//!
//! A request comes from a [`Principal`]: an account with its roles, maybe behind a token that is limited to some
//! [`Scopes`]. [`Principal::can`] is the only place that says yes or no; its table is [`role::reach`]. [`name`] and
//! [`Password`] say what people may call themselves and lock with, [`Budgets`] how often they may be wrong. A
//! [`Proposal`] is what one member of staff wants and another one confirms.
//!
//! Nothing here reads a clock or a disk, and no password is hashed here: time is an argument, hashes are the callers'.

pub mod action;
pub mod approval;
pub mod budget;
pub mod limits;
pub mod name;
pub mod password;
pub mod principal;
pub mod role;
pub mod scope;

pub use action::{Action, UnknownAction};
pub use approval::{Decision, Proposal, Stage, Step, Undecided};
pub use budget::{Budgets, Rate, Spent};
pub use name::NameRefusal;
pub use password::{Password, WeakPassword};
pub use principal::{Denied, Principal, Target};
pub use role::Reach;
pub use scope::{Scopes, UnknownScope};
