//! Names that nobody may take: they would be mistaken for the house itself.

use weir_model::AccountName;

/// What a stranger could use to speak for the house. `operator` is the account that owns what operators make.
const RESERVED: [&str; 24] = [
    "abuse",
    "admin",
    "administrator",
    "anonymous",
    "auditor",
    "everyone",
    "guest",
    "help",
    "info",
    "moderator",
    "nobody",
    "null",
    "official",
    "operator",
    "postmaster",
    "root",
    "security",
    "staff",
    "support",
    "system",
    "undefined",
    "webmaster",
    "weir",
    "weir_node",
];

/// The account that a cluster is made with. It exists once and is never disabled.
pub const OPERATOR: &str = "operator";

/// Why a name cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name `{0}` is reserved; choose another one")]
pub struct NameRefusal(pub AccountName);

/// Whether a new account may have this name.
///
/// # Errors
/// When it is reserved.
pub fn check(name: &AccountName) -> Result<(), NameRefusal> {
    if RESERVED.contains(&name.as_str()) { Err(NameRefusal(name.clone())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_house_are_refused_in_any_case() {
        for name in ["operator", "Admin", "WEIR", "system"] {
            assert!(check(&name.parse().unwrap()).is_err(), "{name}");
        }
        assert_eq!(check(&"operators_friend".parse().unwrap()), Ok(()));
        assert!(RESERVED.contains(&OPERATOR) && RESERVED.is_sorted());
        assert!(RESERVED.iter().all(|name| name.parse::<AccountName>().is_ok()));
    }
}
