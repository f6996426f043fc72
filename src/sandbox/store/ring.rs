use super::{Shelf, Stored};
use std::collections::VecDeque;
use std::rc::Rc;

/// How many events are kept for watches that resume.
const MAX_EVENTS: usize = 4096;
/// How many bytes of objects the kept events may hold. An event and its
/// predecessor often share a body with the store; they are counted anyway.
const MAX_EVENT_BYTES: usize = 16 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    Added,
    Modified,
    Deleted,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub resource_version: u64,
    pub shelf: Shelf,
    pub kind: EventType,
    pub object: Rc<Stored>,
    /// The object as it was, for watches whose selector it enters or leaves.
    pub before: Option<Rc<Stored>>,
}

impl Event {
    fn n_bytes(&self) -> usize {
        self.object.body.len() + self.before.as_ref().map_or(0, |stored| stored.body.len())
    }
}

/// The events after the asked version are gone.
#[derive(Debug, PartialEq, Eq)]
pub struct TooOld {
    /// The oldest version from which a watch may still begin.
    pub oldest: u64,
}

/// The last events, in order of their versions.
#[derive(Default)]
pub struct Ring {
    events: VecDeque<Event>,
    n_bytes: usize,
    /// The version of the newest event that was dropped.
    dropped: u64,
}

impl Ring {
    pub(super) fn push(&mut self, event: Event) {
        self.n_bytes += event.n_bytes();
        self.events.push_back(event);
        while self.events.len() > MAX_EVENTS
            || (self.n_bytes > MAX_EVENT_BYTES && self.events.len() > 1)
        {
            let Some(old) = self.events.pop_front() else {
                break;
            };
            self.n_bytes -= old.n_bytes();
            self.dropped = old.resource_version;
        }
    }

    /// The first event after a version.
    pub fn after(&self, version: u64) -> Result<Option<&Event>, TooOld> {
        if version < self.dropped {
            return Err(TooOld {
                oldest: self.dropped,
            });
        }
        let at = self
            .events
            .partition_point(|event| event.resource_version <= version);
        Ok(self.events.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Bytes;

    fn event(version: u64) -> Event {
        Event {
            resource_version: version,
            shelf: "v1/configmaps".into(),
            kind: EventType::Added,
            object: Rc::new(Stored {
                namespace: "".into(),
                name: "a".into(),
                uid: "".into(),
                resource_version: version,
                labels: Box::default(),
                owners: Box::default(),
                is_deleting: false,
                body: Bytes::new(),
            }),
            before: None,
        }
    }

    #[test]
    fn tells_a_watch_that_its_version_is_gone() {
        let mut ring = Ring::default();
        for version in 2..(MAX_EVENTS as u64 + 12) {
            ring.push(event(version));
        }
        assert_eq!(ring.after(5).unwrap_err(), TooOld { oldest: 11 });
        assert_eq!(ring.after(11).unwrap().unwrap().resource_version, 12);
        assert!(ring.after(MAX_EVENTS as u64 + 11).unwrap().is_none());
    }
}
