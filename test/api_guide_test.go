package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	routeNamed  = regexp.MustCompile(`/v1/[\w./{}-]*[\w}]`)
	methodNamed = regexp.MustCompile(`(GET|PUT|POST|DELETE) (/v1/[\w./{}-]*[\w}])`)
	methodAsked = regexp.MustCompile(` -X (\w+)`)
)

// TestTheGuideOfTheAPINamesRoutesThatAreThere, and asks them by methods that they have.
func TestTheGuideOfTheAPINamesRoutesThatAreThere(t *testing.T) {
	guide := fileOf(t, "docs", "api.md")
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(fileOf(t, "docs", "openapi.json")), &doc); err != nil {
		t.Fatal(err)
	}
	has := func(route, method string) bool {
		for path, methods := range doc.Paths {
			if sameRoute(path, route) && (method == "" || methods[strings.ToLower(method)] != nil) {
				return true
			}
		}
		return false
	}
	named := routeNamed.FindAllString(guide, -1)
	if len(named) < 20 {
		t.Fatalf("Expected the guide to name routes, got %v", named)
	}
	for _, route := range named {
		if !has(route, "") {
			t.Errorf("Expected '%s' in docs/openapi.json", route)
		}
	}
	for _, m := range methodNamed.FindAllStringSubmatch(guide, -1) {
		if !has(m[2], m[1]) {
			t.Errorf("Expected '%s' in docs/openapi.json", m[0])
		}
	}
	calls := strings.Split(guide, "\n$ curl ")[1:]
	for _, call := range calls {
		call, _, _ = strings.Cut(call, "\n{") // what is answered
		if method := methodOf(call); !has(routeNamed.FindString(call), method) {
			t.Errorf("Expected an operation %s in docs/openapi.json for: curl %s", method, call)
		}
	}
}

// sameRoute reports whether a route is one of a path with {names}.
func sameRoute(path, route string) bool {
	parts, given := strings.Split(path, "/"), strings.Split(route, "/")
	for i, part := range parts {
		if len(parts) != len(given) || part != given[i] && !strings.HasPrefix(part, "{") {
			return false
		}
	}
	return true
}

// methodOf returns that which curl uses.
func methodOf(call string) string {
	switch m := methodAsked.FindStringSubmatch(call); {
	case m != nil:
		return m[1]
	case strings.Contains(call, "--json"):
		return "POST"
	}
	return "GET"
}

func fileOf(t *testing.T, names ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{".."}, names...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
