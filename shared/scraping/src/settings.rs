//! What the operator decides about fetching. From the environment:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `FETCH_CONTACT` | an address in the User-Agent where site owners can complain | none |
//! | `FETCH_ALLOW` | addresses that may be connected to although they are not public: `IP[/bits][:port]`, with commas | none |
//! | `FETCH_OBEY_ROBOTS` | `false` switches robots.txt off | `true` |
//! | `FETCH_HOST_INTERVAL_MS` | the least time between two requests to one host, by all functions together | `1000` |

use std::time::Duration;

use table::aws::SettingError;

use crate::address::AddressPolicy;

/// What the operator decides about fetching; nothing here can be changed by a request.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the owners of fetched sites may complain: a URL or an e-mail address, sent in the User-Agent.
    pub contact: Option<String>,
    /// Which addresses may be connected to.
    pub addresses: AddressPolicy,
    /// Whether robots.txt is obeyed.
    pub obey_robots: bool,
    /// The least time between two requests to one host, whoever in the fleet makes them. Zero switches this off.
    pub host_interval: Duration,
    /// The longest wait for a host's turn before a page is given up.
    pub max_host_wait: Duration,
    /// The size of the largest page that is read, in bytes, decompressed.
    pub max_page_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            contact: None,
            addresses: AddressPolicy::default(),
            obey_robots: true,
            host_interval: Duration::from_secs(1),
            max_host_wait: Duration::from_mins(1),
            max_page_bytes: 10 * 1024 * 1024,
        }
    }
}

/// The name that robots.txt files know this crawler by.
pub(crate) const PRODUCT: &str = "Drover";

impl Settings {
    /// What the environment says; what it does not say is as usual.
    pub fn from_environment() -> Result<Self, SettingError> {
        let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut settings = Self { contact: given("FETCH_CONTACT"), ..Self::default() };
        if let Some(allowed) = given("FETCH_ALLOW") {
            settings.addresses =
                allowed.parse().map_err(|error| SettingError::Unusable("FETCH_ALLOW", format!("{error}")))?;
        }
        if let Some(obey) = given("FETCH_OBEY_ROBOTS") {
            settings.obey_robots = obey.parse().map_err(|_| SettingError::Unusable("FETCH_OBEY_ROBOTS", obey))?;
        }
        if let Some(interval) = given("FETCH_HOST_INTERVAL_MS") {
            let millis = interval.parse().map_err(|_| SettingError::Unusable("FETCH_HOST_INTERVAL_MS", interval))?;
            settings.host_interval = Duration::from_millis(millis);
        }
        Ok(settings)
    }

    /// The User-Agent: the product, its version and the contact, such as `Drover/0.1.0 (+https://example.com/bot)`.
    #[must_use]
    pub fn user_agent(&self) -> String {
        let product = format!("{PRODUCT}/{}", env!("CARGO_PKG_VERSION"));
        match &self.contact {
            Some(contact) => format!("{product} (+{contact})"),
            None => product,
        }
    }
}
