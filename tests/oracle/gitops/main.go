// Syncs manifests with gitops-engine, the library of Argo CD's controller, the
// way its controller does: compare, one step of the sync, compare again.
//
// Input on stdin, as JSON: {kubeconfig, namespace, manifests, prune, skipHooks,
// pruneLast, confirmed, only, terminateAt, clientSide}. Output: phase and message.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const managed = "drupelet.test/managed"

type input struct {
	Kubeconfig string                       `json:"kubeconfig"`
	Namespace  string                       `json:"namespace"`
	Manifests  []*unstructured.Unstructured `json:"manifests"`
	Prune      bool                         `json:"prune"`
	PruneLast  bool                         `json:"pruneLast"`
	SkipHooks  bool                         `json:"skipHooks"`
	Only       []string                     `json:"only"`
	ClientSide bool                         `json:"clientSide"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// reach gives a way to a server of plain HTTP that wants a token: client-go
// sends credentials over TLS alone, so that they are added in between.
func reach(kubeconfig string) (*rest.Config, error) {
	raw, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		return nil, err
	}
	current := raw.Contexts[raw.CurrentContext]
	target, err := url.Parse(raw.Clusters[current.Cluster].Server)
	if err != nil {
		return nil, err
	}
	token := raw.AuthInfos[current.AuthInfo].Token
	between := &httputil.ReverseProxy{
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(target)
			request.Out.Header.Set("Authorization", "Bearer "+token)
		},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { _ = http.Serve(listener, between) }()
	return &rest.Config{Host: "http://" + listener.Addr().String()}, nil
}

func run() error {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	config, err := reach(in.Kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 500, 500
	for _, object := range in.Manifests {
		object.SetNamespace(in.Namespace)
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[managed] = "true"
		object.SetAnnotations(annotations)
	}
	live := cache.NewClusterCache(config,
		cache.SetNamespaces([]string{in.Namespace}),
		cache.SetLogr(logr.Discard()),
		cache.SetPopulateResourceInfoHandler(func(object *unstructured.Unstructured, _ bool) (any, bool) {
			ours := object.GetAnnotations()[managed] == "true"
			return ours, ours
		}),
	)
	if err := live.EnsureSynced(); err != nil {
		return err
	}
	isManaged := func(r *cache.Resource) bool { return r.Info == true && len(r.OwnerRefs) == 0 }
	kubectl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
	phase, message := common.OperationRunning, ""
	var results []common.ResourceSyncResult
	started := metav1.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for !phase.Completed() {
		objects, err := live.GetManagedLiveObjs(in.Manifests, isManaged)
		if err != nil {
			return err
		}
		result := sync.Reconcile(in.Manifests, objects, in.Namespace, live)
		differences, err := diff.DiffArray(result.Target, result.Live, diff.WithLogr(logr.Discard()))
		if err != nil {
			return err
		}
		syncer, cleanup, err := sync.NewSyncContext("0123456789abcdef", result, config, config, kubectl, in.Namespace,
			sync.WithLogr(logr.Discard()),
			sync.WithInitialState(phase, message, results, started),
			sync.WithOperationSettings(false, in.Prune, false, in.SkipHooks),
			sync.WithPruneLast(in.PruneLast),
			sync.WithServerSideApply(!in.ClientSide),
			sync.WithServerSideApplyManager("argocd-controller"),
			sync.WithResourceModificationChecker(true, differences),
			sync.WithResourcesFilter(func(key kube.ResourceKey, target, _ *unstructured.Unstructured) bool {
				if len(in.Only) == 0 {
					return true
				}
				for _, name := range in.Only {
					if name == key.Kind+"/"+key.Name {
						return true
					}
				}
				return false
			}),
		)
		if err != nil {
			return err
		}
		syncer.Sync()
		phase, message, results = syncer.GetState()
		cleanup()
		select {
		case <-ctx.Done():
			fmt.Println("Running:", message)
			return nil
		case <-time.After(300 * time.Millisecond):
		}
	}
	fmt.Println(phase, strings.Split(message, "\n")[0])
	return nil
}
