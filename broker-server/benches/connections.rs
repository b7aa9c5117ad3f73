//! What open connections cost in memory (perf P14).
//!
//! `cargo bench -p sutler-broker-server --bench connections`; `-- --connections N`. Needs `ulimit -n` above N.

mod bench;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use bench::{
    Failure, ended,
    load::resident,
    number, print,
    server::{self, Setting},
};

fn main() -> ExitCode {
    ended(measure(number("--connections", 10_000)))
}

fn measure(connections: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let setting = Setting { store: "sqlite:broker.db", vendors: "{ probe: {} }", certificate: None };
    let broker = server::broker(folder.path(), &setting)?;
    let process = broker.process;
    let idle = resident(process)?;
    let request = server::get("/v2/service_instances/none/last_operation");
    let mut open = Vec::with_capacity(connections);
    let marks = [1_024, connections];
    for number in 1..=connections {
        let mut stream = TcpStream::connect(broker.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        // each has served a request and is kept open
        stream.write_all(&request)?;
        let mut answer = [0; 1024];
        if stream.read(&mut answer)? == 0 {
            return Err(format!("the broker closed connection {number}").into());
        }
        open.push(stream);
        if marks.contains(&number) {
            let now = resident(process)?;
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let each = (now - idle) * 1024.0 / number as f64;
            print(&format!(
                "{number:>6} connections: {now:.1} MiB, idle {idle:.1} MiB, {each:.1} KiB each   (goal P14: idle <= \
                 15, <= 40 at 1,024)"
            ));
        }
    }
    Ok(())
}
