//! One case of the contract: a world whose agent speaks through a proxy.

use crate::support::proxy::{Passed, Proxy};
use crate::world::{World, client, wait_until};
use drupelet::app::{Application, OperationPhase};
use drupelet::object::Object;
use std::cell::RefCell;
use std::path::Path;

pub const AUTOMATED: &str = "syncPolicy: {automated: {prune: true, selfHeal: true}}";
pub const MANUAL: &str = "syncPolicy: {}";

/// A world whose agent speaks through a proxy that notes what it writes.
pub struct Case {
    pub world: World,
    pub proxy: Proxy,
    seen: RefCell<Vec<Passed>>,
}

impl Case {
    pub fn new(cluster: &Path, name: &str, manifests: &str, policy: &str) -> Self {
        let world = World::new(cluster, name);
        world.commit(&[("app/all.yaml", manifests)]);
        world.create_app(policy);
        Case::start(cluster, world)
    }

    pub fn start(cluster: &Path, mut world: World) -> Self {
        let proxy = Proxy::start(cluster);
        world.start_agent_on(client(&proxy.kubeconfig()));
        Case {
            world,
            proxy,
            seen: RefCell::default(),
        }
    }

    pub fn commit(&self, manifests: &str) -> String {
        self.world.commit(&[("app/all.yaml", manifests)])
    }

    /// The writes to the world's namespace, in order: `apply configmaps/a`.
    pub fn trace(&self) -> Vec<String> {
        let place = format!("/namespaces/{}/", self.world.name);
        let mut seen = self.seen.borrow_mut();
        seen.extend(self.proxy.passed());
        seen.iter()
            .filter(|passed| passed.is_write() && passed.status < 300)
            .filter_map(|passed| {
                let (_, object) = passed.path.split_once(&place)?;
                Some(format!("{} {object}", passed.verb))
            })
            .collect()
    }

    /// The same without what ends a hook: its finalizer that is taken away.
    #[track_caller]
    pub fn assert_trace(&self, expected: &[&str]) {
        let mut trace = self.trace();
        trace.retain(|write| !write.starts_with("patch "));
        assert_eq!(trace, expected);
    }

    pub fn operate(&self, operation: &str) {
        self.world
            .patch_app(&self.world.name, &format!("operation: {operation}"));
    }

    #[track_caller]
    pub fn wait(&self, what: &str, is_so: impl Fn(&Application) -> bool) {
        self.world.wait_app(&self.world.name, what, is_so);
    }

    /// The last operation is over; its message.
    #[track_caller]
    pub fn wait_phase(&self, phase: OperationPhase) -> String {
        self.wait(&format!("{phase:?}"), |app| {
            let state = app.status.operation_state.as_ref();
            app.operation.is_none() && state.is_some_and(|state| state.phase == phase)
        });
        let state = self.world.app().status.operation_state;
        state.expect("waited for").message
    }

    #[track_caller]
    pub fn wait_message(&self, text: &str) {
        self.wait(text, |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| state.message.contains(text))
        });
    }

    #[track_caller]
    pub fn wait_condition(&self, kind: &str, text: &str) {
        self.wait(&format!("{kind}: {text}"), |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.any(|one| one.kind == kind && one.message.contains(text))
        });
    }

    pub fn config(&self, name: &str) -> Option<Object> {
        self.world.find("v1", "ConfigMap", name)
    }

    pub fn delete_app(&self) {
        let resource = self.world.resource("argoproj.io/v1alpha1", "Application");
        self.world
            .client
            .delete(
                &resource,
                &self.world.control_namespace(),
                &self.world.name,
                &drupelet::kube::DeleteOptions::default(),
            )
            .expect("the API server answers");
    }

    pub fn wait_gone(&self) {
        wait_until("the Application is gone", || {
            self.world.app_object(&self.world.name).is_none()
        });
    }
}
