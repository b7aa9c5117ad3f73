//! A running DNSimple.

use std::sync::Arc;

use super::control::Control;
use super::control_http;
use super::exchange::{Shared, exchange};
use super::ledger::Kind;
use super::options::Options;
use crate::vendor::call::Call;
use crate::vendor::exchange::Delivery;
use crate::vendor::server::{Arrived, Interface, Running, StartError};

/// Where the vendor's interface begins.
pub const BASE_PATH: &str = "/v2";

/// A running fake. It stops when dropped.
#[derive(Debug)]
pub struct DnsimpleFake {
    shared: Arc<Shared>,
    running: Running,
}

impl DnsimpleFake {
    /// Starts to serve; requests can be sent when this returns.
    ///
    /// # Errors
    /// When the address is taken or not a loopback one.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listen = options.listen;
        let shared = Arc::new(Shared::new(options)?);
        let running = Running::start(listen, Arc::clone(&shared)).await?;
        Ok(Self { shared, running })
    }

    /// Where it listens.
    pub fn origin(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// The base address of the vendor's interface, to be given to a broker.
    pub fn base_url(&self) -> String {
        format!("{}{BASE_PATH}", self.origin())
    }

    /// What tests may see and do past the vendor's interface.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared))
    }
}

impl Interface for Shared {
    type Kind = Kind;

    const THREAD: &'static str = "dnsimple-fake";

    async fn take(self: Arc<Self>, arrived: Arrived) -> Delivery<Kind> {
        let mut call = Call::new(&arrived.method, &arrived.path, &arrived.query, &arrived.body);
        call.headers = arrived.headers;
        if call.path.starts_with(control_http::PREFIX) {
            return Delivery::Answer(control_http::answer(&Control::new(self), &call));
        }
        exchange(&self, call).await
    }
}
