package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

type document = map[string]any

// release is what one folder of fetch.sh holds.
type release struct {
	minor   int
	swagger document
	// Definitions by name: OpenAPI v3 where published (it has the defaults).
	definitions map[string]document
	// "group/version" and "group/version/resource" that are on by default.
	enabled  map[string]bool
	disabled map[string]bool
	folder   string
}

func readJSON(path string) document {
	var doc document
	must(0, json.Unmarshal(must(os.ReadFile(path)), &doc))
	return doc
}

func readRelease(folder string, minor int) *release {
	r := &release{minor: minor, folder: folder, definitions: map[string]document{}}
	r.swagger = readJSON(filepath.Join(folder, "api/openapi-spec/swagger.json"))
	for name, definition := range r.swagger["definitions"].(document) {
		r.definitions[name] = definition.(document)
	}
	if minor == fieldsFrom {
		for _, path := range must(filepath.Glob(filepath.Join(folder, "api/openapi-spec/v3/*.json"))) {
			components, _ := readJSON(path)["components"].(document)
			schemas, _ := components["schemas"].(document)
			for name, definition := range schemas {
				r.definitions[name] = definition.(document)
			}
		}
	}
	r.readEnabled()
	return r
}

var (
	importLine = regexp.MustCompile(`(?m)^\s*(\w+)?\s*"k8s\.io/(?:api|kubernetes/pkg/apis)/([\w/]+)"`)
	versionRef = regexp.MustCompile(`(\w+)\.SchemeGroupVersion(?:\.WithResource\("([\w]+)"\))?`)
)

// readEnabled reads what DefaultAPIResourceConfigSource turns on.
func (r *release) readEnabled() {
	var source string
	for _, path := range []string{"pkg/controlplane/instance.go", "pkg/master/master.go"} {
		if text, err := os.ReadFile(filepath.Join(r.folder, path)); err == nil {
			source = string(text)
			break
		}
	}
	packages := map[string]string{}
	for _, line := range importLine.FindAllStringSubmatch(source, -1) {
		name := line[1]
		if name == "" {
			name = line[2][strings.LastIndex(line[2], "/")+1:]
		}
		packages[name] = line[2]
	}
	groups := map[string]string{"core": ""}
	for name, definition := range r.definitions {
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		parts := strings.Split(name, ".")
		if len(kinds) != 1 || !strings.HasPrefix(name, "io.k8s.api.") || len(parts) != 6 {
			continue
		}
		groups[parts[3]], _ = kinds[0].(document)["group"].(string)
	}
	r.enabled, r.disabled = map[string]bool{}, map[string]bool{}
	collect := func(text string, into map[string]bool) {
		for _, line := range strings.Split(text, "\n") {
			line, _, _ = strings.Cut(line, "//")
			for _, ref := range versionRef.FindAllStringSubmatch(line, -1) {
				folder, version, found := strings.Cut(packages[ref[1]], "/")
				if !found {
					continue
				}
				group, known := groups[folder]
				if !known {
					continue
				}
				key := group + "/" + version
				if ref[2] != "" {
					key += "/" + ref[2]
				}
				into[key] = true
			}
		}
	}
	block := func(start string, close string) string {
		_, rest, found := strings.Cut(source, start)
		if !found {
			return ""
		}
		body, _, _ := strings.Cut(rest, close)
		return body
	}
	collect(block("stableAPIGroupVersionsEnabledByDefault = ", "\n\t}"), r.enabled)
	collect(block("genericStableAPIGroupVersionsEnabledByDefault = ", "\n\t}"), r.enabled)
	collect(block("legacyBetaEnabledByDefaultResources = ", "\n\t}"), r.enabled)
	function := block("func DefaultAPIResourceConfigSource()", "\n}")
	for _, call := range strings.Split(function, "ret.")[1:] {
		switch {
		case strings.HasPrefix(call, "EnableVersions("), strings.HasPrefix(call, "EnableResources("):
			collect(call, r.enabled)
		case strings.HasPrefix(call, "DisableResources("):
			collect(call, r.disabled)
		}
	}
	// Served by the two delegates of kube-apiserver, always.
	for _, version := range []string{"v1", "v1beta1"} {
		r.enabled["apiextensions.k8s.io/"+version] = true
		r.enabled["apiregistration.k8s.io/"+version] = true
	}
}

// serves says whether the release serves the resource without flags.
func (r *release) serves(group, version, resource string) bool {
	key := group + "/" + version
	resource, subresource, _ := strings.Cut(resource, "/")
	if r.disabled[key+"/"+resource] || !(r.enabled[key] || r.enabled[key+"/"+resource]) {
		return false
	}
	return r.minor >= gates[resource+"/"+subresource]
}

// The documents are published with every feature gate open; these were
// closed by default before the release that is named.
var gates = map[string]int{
	"pods/ephemeralcontainers":           23,
	"pods/resize":                        33,
	"validatingadmissionpolicies/":       30,
	"validatingadmissionpolicies/status": 30,
	"validatingadmissionpolicybindings/": 30,
	"endpointslices/":                    17,
	// Never left alpha.
	"networkpolicies/status": 99,
}
