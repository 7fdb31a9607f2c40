//! Ports that stay ours while a server is down.

use std::net::{TcpListener, UdpSocket};

use rand::RngExt as _;

use crate::{Error, Result};

/// Below the ports that systems give to outgoing connections, and so are those of the cluster bus, 10,000 above.
const RANGE: std::ops::Range<u16> = 11_000..21_000;

/// The cluster bus listens so far above the port.
const BUS: u16 = 10_000;

/// A port on 127.0.0.1 that no other server of this kit takes, in whatever process.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    /// The mark of who has it: the UDP port of the same number. The system takes it back from a process that was killed.
    _mark: UdpSocket,
}

impl Port {
    /// A free port whose cluster bus port is free as well.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn reserve() -> Result<Self> {
        let mut random = rand::rng();
        for _ in 0..200 {
            let number = random.random_range(RANGE);
            if let Ok(mark) = UdpSocket::bind(("127.0.0.1", number))
                && is_free(number)
                && is_free(number + BUS)
            {
                return Ok(Self { number, _mark: mark });
            }
        }
        Err(Error::Broken("found no free port for a Redis server".to_owned()))
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_reserved_port_is_given_to_nobody_else() {
        let port = Port::reserve().unwrap();
        assert!(RANGE.contains(&port.number()));
        assert!(is_free(port.number()) && is_free(port.number() + BUS));
        UdpSocket::bind(("127.0.0.1", port.number())).expect_err("marked");
        let number = port.number();
        drop(port);
        // A process that another test starts at this moment has the mark too, between its fork and its exec.
        let given_back = || UdpSocket::bind(("127.0.0.1", number)).is_ok();
        let patience = Instant::now() + Duration::from_secs(10);
        while !given_back() {
            assert!(Instant::now() < patience, "port {number} is still marked");
            thread::yield_now();
        }
    }
}
