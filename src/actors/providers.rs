//! The payment providers of `[provider]`: their secrets, and the way to them.

mod http;
pub mod outbox;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use weir_ledger::request::Provider;
use weir_provider::intent::PaymentProvider;
use weir_provider::signature::Secrets;

/// Providers of one platform.
const PROVIDERS_MAX: usize = 16;
/// A secret is a line.
const SECRET_BYTES_MAX: u64 = 4_096;

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// JSON in Weir's own words, signed in both directions.
    #[default]
    Signed,
}

/// `[provider.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How it is spoken to.
    pub kind: Kind,
    /// Files with one secret each, the newest first.
    pub secret_files: Vec<PathBuf>,
    /// Where it is told of payouts and asked for pages to pay on; by hand when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// All of them. Cheap to clone.
#[derive(Clone, Default)]
pub struct Providers {
    all: Arc<BTreeMap<Provider, One>>,
}

/// One of them.
pub struct One {
    /// What its messages are signed with.
    pub secrets: Secrets,
    /// Where it is told.
    pub url: Option<String>,
    /// The way there.
    pub gateway: Option<Arc<dyn PaymentProvider>>,
    /// For operators.
    pub figures: Figures,
}

/// What this node heard since its start.
#[derive(Debug, Default)]
pub struct Figures {
    /// Events that were taken.
    pub taken: AtomicU64,
    /// Events that were refused.
    pub refused: AtomicU64,
}

/// Refuses names that are none, and too many of them.
///
/// # Errors
/// Says what is wrong.
pub fn check(config: &BTreeMap<String, Config>) -> Result<(), String> {
    if config.len() > PROVIDERS_MAX {
        return Err(format!("provider: at most {PROVIDERS_MAX} of them"));
    }
    config.iter().try_for_each(|(name, one)| check_one(name, one))
}

fn check_one(name: &str, config: &Config) -> Result<(), String> {
    let named = Provider::named(name).filter(|provider| *provider != Provider::MANUAL);
    if named.is_none() {
        return Err(format!(
            "provider.{name}: a provider is named by 1 to 15 small letters and digits, and not `manual`"
        ));
    }
    if config.secret_files.is_empty() {
        return Err(format!("provider.{name}.secret_files: name the file with its secret"));
    }
    let is_web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    match config.url.as_deref().is_none_or(is_web) {
        true => Ok(()),
        false => Err(format!("provider.{name}.url: it begins with https:// or http://")),
    }
}

impl Providers {
    /// Reads the secrets.
    ///
    /// # Errors
    /// Says which file is missing or holds no secret, and never what is in it.
    pub fn load(config: &BTreeMap<String, Config>) -> Result<Self, String> {
        let mut all = BTreeMap::new();
        for (name, one) in config {
            check_one(name, one)?;
            let Some(provider) = Provider::named(name) else { continue };
            all.insert(provider, load(name, one)?);
        }
        Ok(Self { all: Arc::new(all) })
    }

    /// The one of that name.
    #[must_use]
    pub fn get(&self, provider: Provider) -> Option<&One> {
        self.all.get(&provider)
    }

    /// All of them by name.
    pub fn iter(&self) -> impl Iterator<Item = (Provider, &One)> {
        self.all.iter().map(|(provider, one)| (*provider, one))
    }
}

fn load(name: &str, config: &Config) -> Result<One, String> {
    let mut texts = Vec::with_capacity(config.secret_files.len());
    for path in &config.secret_files {
        let wrong = |why: String| format!("provider.{name}: {}: {why}", path.display());
        let len = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if len > SECRET_BYTES_MAX {
            return Err(wrong("a secret is one line".into()));
        }
        texts.push(std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?);
    }
    let secrets = Secrets::new(texts.iter().map(String::as_str))
        .map_err(|error| format!("provider.{name}.secret_files: {error}"))?;
    let gateway = config.url.as_deref().map(|url| http::SignedHttp::new(url, secrets.clone()));
    let gateway = gateway.transpose().map_err(|error| format!("provider.{name}.url: {error}"))?;
    let gateway = gateway.map(|one| Arc::new(one) as Arc<dyn PaymentProvider>);
    Ok(One { secrets, url: config.url.clone(), gateway, figures: Figures::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> BTreeMap<String, Config> {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn names_secrets_and_addresses_are_checked_and_secrets_are_not_told() {
        for text in [
            "[Acme]\nsecret_files = ['/x']",
            "[manual]\nsecret_files = ['/x']",
            "[acme]",
            "[acme]\nsecret_files = ['/x']\nurl = 'ftp://host'",
        ] {
            assert!(check(&config(text)).is_err(), "{text}");
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        let text = format!("[acme]\nsecret_files = ['{}']", file.display());
        assert!(Providers::load(&config(&text)).is_err(), "there is no such file");
        std::fs::write(&file, "tiny-secret\n").unwrap();
        let said = Providers::load(&config(&text)).err().unwrap();
        assert!(said.contains("24 characters") && !said.contains("tiny-secret"), "{said}");
        std::fs::write(&file, "a-secret-of-enough-characters\n").unwrap();
        let all = Providers::load(&config(&text)).unwrap();
        assert!(all.get(Provider::named("acme").unwrap()).unwrap().gateway.is_none());
    }
}
