//! A running Stripe.

use std::sync::Arc;

use super::call::Call;
use super::control::Control;
use super::control_http;
use super::exchange::{Shared, exchange};
use super::options::Options;
use crate::vendor::exchange::Delivery;
use crate::vendor::server::{Arrived, Interface, Running, StartError};

/// A running fake. It stops when dropped.
#[derive(Debug)]
pub struct StripeFake {
    shared: Arc<Shared>,
    running: Running,
}

impl StripeFake {
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

    /// The base address of the vendor's interface, to be given to a broker.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// What tests may see and do past the vendor's interface.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared))
    }
}

impl Interface for Shared {
    type Kind = String;

    const THREAD: &'static str = "stripe-fake";

    async fn take(self: Arc<Self>, arrived: Arrived) -> Delivery<String> {
        let mut call = Call::new(&arrived.method, &arrived.path, &arrived.query, &arrived.body);
        let header = |name: &str| arrived.headers.get(name).cloned();
        call.content_type = header("content-type");
        call.authorization = header("authorization");
        call.version = header("stripe-version");
        call.key = header("idempotency-key");
        if call.path.starts_with(control_http::PREFIX) {
            return Delivery::Answer(control_http::answer(&Control::new(self), &call));
        }
        exchange(&self, call).await
    }
}
