package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// row is one resource or subresource of one group version.
type row struct {
	group, version, name string
	singular             string
	shortNames           []string
	// group/version/kind of what it answers; for a subresource of another
	// group (Scale, Eviction) it differs from its own.
	responseGroup, responseVersion, kind string
	namespaced                           bool
	verbs                                []string
	categories                           []string
	minors                               []int
}

func (r *row) attributes() string {
	return strings.Join([]string{
		r.group + "/" + r.version, r.name, r.singular, strings.Join(r.shortNames, ","),
		r.responseGroup + "/" + r.responseVersion, r.kind, map[bool]string{true: "n", false: "c"}[r.namespaced],
		verbLetters(r.verbs), strings.Join(r.categories, ","),
	}, "|")
}

var letters = map[string]string{
	"create": "c", "delete": "d", "deletecollection": "D", "get": "g",
	"list": "l", "patch": "p", "update": "u", "watch": "w",
}

func verbLetters(verbs []string) string {
	sort.Strings(verbs)
	text := ""
	for _, verb := range verbs {
		text += letters[verb]
	}
	return text
}

func strs(value any) []string {
	var out []string
	list, _ := value.([]any)
	for _, item := range list {
		out = append(out, item.(string))
	}
	return out
}

func text(doc document, key string) string {
	value, _ := doc[key].(string)
	return value
}

// fromDiscovery reads the discovery documents (published since 1.28).
func (r *release) fromDiscovery() []*row {
	var rows []*row
	for _, item := range readJSON(filepath.Join(r.folder, "api/discovery/api__v1.json"))["resources"].([]any) {
		doc := item.(document)
		one := &row{
			version: "v1", name: text(doc, "name"), singular: text(doc, "singularName"),
			shortNames: strs(doc["shortNames"]), kind: text(doc, "kind"),
			responseGroup: text(doc, "group"), responseVersion: text(doc, "version"),
			verbs: strs(doc["verbs"]), categories: strs(doc["categories"]),
		}
		one.namespaced, _ = doc["namespaced"].(bool)
		rows = append(rows, one)
	}
	aggregated := must(filepath.Glob(filepath.Join(r.folder, "api/discovery/aggregated_v2*.json")))
	doc := readJSON(aggregated[len(aggregated)-1])
	for _, item := range doc["items"].([]any) {
		group := text(item.(document)["metadata"].(document), "name")
		for _, item := range item.(document)["versions"].([]any) {
			version := text(item.(document), "version")
			resources, _ := item.(document)["resources"].([]any)
			for _, item := range resources {
				doc := item.(document)
				response := doc["responseKind"].(document)
				one := &row{
					group: group, version: version, name: text(doc, "resource"),
					singular: text(doc, "singularResource"), shortNames: strs(doc["shortNames"]),
					responseGroup: text(response, "group"), responseVersion: text(response, "version"),
					kind: text(response, "kind"), namespaced: text(doc, "scope") == "Namespaced",
					verbs: strs(doc["verbs"]), categories: strs(doc["categories"]),
				}
				rows = append(rows, one)
				subresources, _ := doc["subresources"].([]any)
				for _, item := range subresources {
					sub := item.(document)
					response := sub["responseKind"].(document)
					rows = append(rows, &row{
						group: group, version: version, name: one.name + "/" + text(sub, "subresource"),
						responseGroup: text(response, "group"), responseVersion: text(response, "version"),
						kind: text(response, "kind"), namespaced: one.namespaced, verbs: strs(sub["verbs"]),
					})
				}
			}
		}
	}
	for _, one := range rows {
		// "" stands for the group version of the resource itself.
		if one.responseGroup == "" && one.responseVersion == "" {
			one.responseGroup, one.responseVersion = one.group, one.version
		}
	}
	return rows
}

var resourcePath = regexp.MustCompile(`^/(?:api|apis/([^/]+))/([^/]+)/(namespaces/\{namespace\}/)?([a-z]+)(/\{name\})?(?:/([a-z]+))?$`)

var actions = map[string]string{
	"post": "create", "put": "update", "patch": "patch", "delete": "delete",
	"deletecollection": "deletecollection", "get": "get", "list": "list",
}

// fromSwagger reads the paths of the OpenAPI v2 document.
func (r *release) fromSwagger() []*row {
	found := map[string]*row{}
	var order []string
	for path, methods := range r.swagger["paths"].(document) {
		parts := resourcePath.FindStringSubmatch(path)
		if parts == nil || (parts[6] != "" && parts[5] == "") {
			continue
		}
		name := parts[4]
		if parts[6] != "" {
			name += "/" + parts[6]
		}
		key := parts[1] + "/" + parts[2] + "/" + name
		for _, method := range methods.(document) {
			doc, isMap := method.(document)
			if !isMap {
				continue
			}
			verb, known := actions[text(doc, "x-kubernetes-action")]
			if text(doc, "x-kubernetes-action") == "connect" {
				verb, known = "", true
			}
			gvk, hasKind := doc["x-kubernetes-group-version-kind"].(document)
			if !known || !hasKind {
				continue
			}
			// A list over all namespaces says nothing of the scope.
			one := found[key]
			if one == nil {
				one = &row{group: parts[1], version: parts[2], name: name}
				found[key] = one
				order = append(order, key)
			}
			one.namespaced = one.namespaced || parts[3] != ""
			one.responseGroup, one.responseVersion, one.kind = text(gvk, "group"), text(gvk, "version"), text(gvk, "kind")
			if verb == "create" && parts[3] == "" && one.name != "namespaces" && found[key].namespaced {
				continue
			}
			if verb != "" && !contains(one.verbs, verb) {
				one.verbs = append(one.verbs, verb)
			}
			if verb == "list" && !contains(one.verbs, "watch") && one.name != "componentstatuses" {
				one.verbs = append(one.verbs, "watch")
			}
			if text(doc, "x-kubernetes-action") == "connect" {
				for method := range methods.(document) {
					verb, isVerb := map[string]string{"get": "get", "post": "create", "put": "update", "patch": "patch", "delete": "delete"}[method]
					if isVerb && !contains(one.verbs, verb) {
						one.verbs = append(one.verbs, verb)
					}
				}
			}
		}
	}
	sort.Strings(order)
	var rows []*row
	for _, key := range order {
		rows = append(rows, found[key])
	}
	return rows
}

func contains(list []string, item string) bool {
	for _, one := range list {
		if one == item {
			return true
		}
	}
	return false
}

// Names that only discovery knows, of kinds older than its documents.
var oldNames = map[string]row{
	"extensions/ingresses":       {singular: "ingress", shortNames: []string{"ing"}},
	"policy/podsecuritypolicies": {singular: "podsecuritypolicy", shortNames: []string{"psp"}},
}

// serve merges the rows of all releases: equal rows become one.
func serve(releases map[int]*release, minors []int) []*row {
	perRelease := map[int][]*row{}
	names := map[string]*row{}
	for at := len(minors) - 1; at >= 0; at-- {
		r := releases[minors[at]]
		var rows []*row
		if r.minor >= 28 {
			rows = r.fromDiscovery()
		} else {
			rows = r.fromSwagger()
		}
		for _, one := range rows {
			key := one.group + "/" + one.name
			known := names[key]
			if r.minor >= 28 {
				if known == nil {
					names[key] = one
				}
			} else {
				if known == nil {
					if old, isOld := oldNames[key]; isOld {
						known = &old
					} else {
						known = names[one.name]
					}
				}
				if known != nil {
					one.singular, one.shortNames, one.categories = known.singular, known.shortNames, known.categories
				} else if !strings.Contains(one.name, "/") {
					one.singular = strings.ToLower(one.kind)
				}
			}
			if !r.serves(one.group, one.version, one.name) {
				continue
			}
			perRelease[r.minor] = append(perRelease[r.minor], one)
		}
	}
	// The order of groups is the newest's, older ones behind.
	merged := map[string]*row{}
	var order []*row
	for at := len(minors) - 1; at >= 0; at-- {
		minor := minors[at]
		for _, one := range perRelease[minor] {
			key := one.attributes()
			if merged[key] == nil {
				merged[key] = one
				order = append(order, one)
			}
			merged[key].minors = append(merged[key].minors, minor)
		}
	}
	groups := map[string]int{}
	for _, one := range order {
		if _, known := groups[one.group]; !known {
			groups[one.group] = len(groups)
		}
	}
	sort.SliceStable(order, func(a, b int) bool {
		x, y := order[a], order[b]
		if x.group != y.group {
			return groups[x.group] < groups[y.group]
		}
		if x.version != y.version {
			return x.version < y.version
		}
		return x.name < y.name
	})
	return order
}

func ranges(minors []int) string {
	sort.Ints(minors)
	var parts []string
	for at := 0; at < len(minors); {
		end := at
		for end+1 < len(minors) && minors[end+1] == minors[end]+1 {
			end++
		}
		parts = append(parts, fmt.Sprintf("%d-%d", minors[at], minors[end]))
		at = end + 1
	}
	return strings.Join(parts, ",")
}

func servedText(rows []*row, minors []int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "releases %s\n", ranges(append([]int{}, minors...)))
	for _, one := range rows {
		fmt.Fprintf(&out, "%s|%s\n", one.attributes(), ranges(one.minors))
	}
	return out.String()
}
