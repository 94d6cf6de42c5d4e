//! What JACK's threads call.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use jack::{
    AudioIn, AudioOut, Client, ClientStatus, Control, NotificationHandler, Port, PortId, ProcessHandler,
    ProcessScope, Unowned,
};
use thread_priority::{RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy};

use super::state::State;

/// Called by the process thread, once a cycle.
pub(super) struct Handler {
    state: Arc<State>,
    outputs: Vec<Port<AudioOut>>,
    inputs: Vec<Port<AudioIn>>,
    /// Frames for which the output has been silent.
    quiet: u64,
}

impl Handler {
    pub(super) fn new(state: Arc<State>, outputs: Vec<Port<AudioOut>>, inputs: Vec<Port<AudioIn>>) -> Self {
        Self { state, outputs, inputs, quiet: 0 }
    }

    /// Removes its ports from `client`. False where one stays.
    pub(super) fn unregister(self, client: &Client) -> bool {
        let outputs = self.outputs.into_iter().all(|port| client.unregister_port(port).is_ok());
        outputs && self.inputs.into_iter().all(|port| client.unregister_port(port).is_ok())
    }
}

impl ProcessHandler for Handler {
    /// Realtime-safe. An answer other than `Continue` would end the thread.
    fn process(&mut self, _client: &Client, scope: &ProcessScope) -> Control {
        let state = &*self.state;
        let _busy = state.busy();
        if state.cycles() == 0 {
            // Before any run.
            state.set_realtime(is_realtime());
        }
        let filled = state.try_run().is_some_and(|mut slot| {
            let run = slot.as_mut();
            run.is_some_and(|run| run.cycle(state, scope, &mut self.outputs, &self.inputs, self.quiet))
        });
        if filled {
            self.quiet = 0;
        } else {
            for port in &mut self.outputs {
                port.as_mut_slice(scope).fill(0.0);
            }
            self.quiet += u64::from(scope.n_frames());
        }
        state.count_cycle(scope.n_frames());
        Control::Continue
    }
}

fn is_realtime() -> bool {
    matches!(
        thread_schedule_policy(),
        Ok(ThreadSchedulePolicy::Realtime(
            RealtimeThreadSchedulePolicy::Fifo | RealtimeThreadSchedulePolicy::RoundRobin
        ))
    )
}

/// Called by other threads of libjack.
pub(super) struct Notifier {
    state: Arc<State>,
    /// The addresses of the ports that ours are connected to.
    targets: Vec<usize>,
}

impl Notifier {
    pub(super) fn new(state: Arc<State>, client: &Client, targets: &[String]) -> Self {
        let ports = targets.iter().filter_map(|name| client.port_by_name(name));
        Self { state, targets: ports.map(|port| address(&port)).collect() }
    }
}

/// What tells a port from others for as long as it is there. Its name is still found while it goes.
fn address(port: &Port<Unowned>) -> usize {
    port.raw() as usize
}

impl NotificationHandler for Notifier {
    // SAFETY: no signal handler calls this, but a thread of libjack's own, so it may lock.
    unsafe fn shutdown(&mut self, _status: ClientStatus, _reason: &str) {
        let _busy = self.state.busy();
        self.state.die();
    }

    fn port_registration(&mut self, client: &Client, port: PortId, is_registered: bool) {
        let _busy = self.state.busy();
        // A port that is disconnected alone may be connected again; one that has gone does not come back.
        let is_target = |port: Port<Unowned>| self.targets.contains(&address(&port));
        if !is_registered && client.port_by_id(port).is_some_and(is_target) {
            self.state.lose();
        }
    }

    fn xrun(&mut self, _client: &Client) -> Control {
        self.state.xrun.store(true, Relaxed);
        Control::Continue
    }
}
