//! How many connections there may be, over all workers (S-14). Where there is no room, the one that has done nothing
//! for the longest time makes it, strangers first: sockets that only wait keep nobody out.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Connection;

#[derive(Default)]
struct Members {
    next: u64,
    present: HashMap<u64, Arc<Connection>>,
}

/// All connections of a listener.
pub(crate) struct Crowd {
    most: usize,
    members: Mutex<Members>,
}

/// A connection's place among all; dropping it leaves.
pub(crate) struct Place {
    number: u64,
    crowd: Arc<Crowd>,
    connection: Arc<Connection>,
}

impl Crowd {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), members: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection. `None` where there is no room and everybody is busy.
    pub(crate) fn enter(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Place> {
        let mut members = self.lock();
        if members.present.len() >= self.most {
            let idle = members.present.iter().filter_map(|(number, connection)| {
                let idle = connection.idle_millis().filter(|_| !connection.is_evicted())?;
                Some((!connection.is_known(), idle, *number))
            });
            let (_, _, number) = idle.max()?;
            // it ends by itself in a moment; its place is free now
            if let Some(connection) = members.present.remove(&number) {
                connection.evict();
            }
        }
        let connection = Arc::new(Connection::new(peer));
        let number = members.next;
        members.next += 1;
        members.present.insert(number, connection.clone());
        drop(members);
        Some(Place { number, crowd: self.clone(), connection })
    }
}

impl Place {
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.lock().present.remove(&self.number);
    }
}
