//! A running Cloudflare.

use std::net::SocketAddr;
use std::sync::Arc;

use super::control::Control;
use super::control_http;
use super::exchange::{Shared, exchange};
use super::ledger::Kind;
use super::options::Options;
use super::s3::{self, S3_BASE_PATH};
use crate::vendor::call::Call;
use crate::vendor::exchange::Delivery;
use crate::vendor::server::{Arrived, Interface, Running, StartError};

/// Where the vendor's interface begins.
pub const BASE_PATH: &str = "/client/v4";

/// A running fake. It stops when dropped.
#[derive(Debug)]
pub struct CloudflareFake {
    shared: Arc<Shared>,
    running: Running,
}

impl CloudflareFake {
    /// Starts to serve; requests can be sent when this returns.
    ///
    /// # Errors
    /// When the address is taken or not a loopback one, or the ledger cannot be opened.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listen = options.listen;
        let (scripts, projects) = (options.scripts.clone(), options.projects.clone());
        let shared = Arc::new(Shared::new(options)?);
        let control = Control::new(Arc::clone(&shared));
        for script in scripts {
            control.declare_script(&script);
        }
        for project in projects {
            control.declare_project(&project).map_err(|_| StartError::Setup(project))?;
        }
        let running = Running::start(listen, Arc::clone(&shared)).await?;
        Ok(Self { shared, running })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// The scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// The base address of the vendor's interface, to be given to a broker.
    pub fn base_url(&self) -> String {
        format!("http://{}{BASE_PATH}", self.running.address)
    }

    /// The base address of R2's S3 interface, to be given to a broker.
    pub fn s3_base_url(&self) -> String {
        format!("http://{}{S3_BASE_PATH}", self.running.address)
    }

    /// What tests may see and do past the vendor's interface.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared))
    }

    /// Stops serving; open connections are closed.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

impl Interface for Shared {
    type Kind = Kind;

    const THREAD: &'static str = "cloudflare-fake";

    async fn take(self: Arc<Self>, arrived: Arrived) -> Delivery<Kind> {
        let mut call = Call::new(&arrived.method, &arrived.path, &arrived.query, &arrived.body);
        call.headers = arrived.headers;
        if call.segments(control_http::PREFIX).is_some() {
            return Delivery::Answer(control_http::answer(&Control::new(self), &call));
        }
        if call.segments(S3_BASE_PATH).is_some() {
            return s3::exchange(&self, call).await;
        }
        exchange(&self, call).await
    }
}
