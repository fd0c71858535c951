//go:build linux

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pluginLine is the line that the README has people add to plugin.cfg.
const pluginLine = "cdnredirect:" + module

func TestOneLineInPluginCfgBuildsIntoCoreDNS(t *testing.T) {
	need(t, "go", "golang-go")
	dir := copyCoreDNS(t)
	slimDown(t, dir)
	addPlugin(t, dir)
	generate(t, dir)

	chain := directives(t, dir)
	if behind := slices.Index(chain, "transfer") + 1; behind == 0 || behind == len(chain) || chain[behind] != "cdnredirect" {
		t.Errorf("Expected cdnredirect behind transfer, got %v", chain)
	}
	stock := filepath.Join(dir, "coredns")
	if err := goBuild(dir, stock, ".", editable...); err != nil {
		t.Fatal(err)
	}
	web := startOrigin(t)
	s := spec{corefile: block(ours()), vars: at(web), command: instead(stock)}.start(t)
	await(t, patience, atOrigin, s.answer)
	web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, s.answer)
}

// TestCoreDNSPluginsAppends shows why the README warns of COREDNS_PLUGINS: a
// plugin at the end of the chain is behind those that answer.
func TestCoreDNSPluginsAppends(t *testing.T) {
	t.Parallel()
	need(t, "go", "golang-go")
	dir := copyCoreDNS(t)
	generate(t, dir, "COREDNS_PLUGINS="+pluginLine)

	chain := directives(t, dir)
	if last := chain[len(chain)-1]; last != "cdnredirect" {
		t.Errorf("Expected cdnredirect at the end of the chain, got %q there", last)
	}
}

// instead starts another program than the binary.
func instead(program string) func(string, ...string) *exec.Cmd {
	return func(_ string, args ...string) *exec.Cmd { return exec.Command(program, args...) }
}

// editable is the environment of go commands in a module that we have changed.
// They need no network where the modules of CoreDNS are in the cache, as
// go mod download leaves them.
var editable = []string{"GOFLAGS=-mod=mod", "GOWORK=off", "CGO_ENABLED=0"}

// goRun runs a go command in a folder and returns what it printed.
func goRun(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var errors strings.Builder
	cmd.Stderr = &errors
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s in %s: %v\n%s%s", strings.Join(args, " "), dir, err, text, errors.String())
	}
	return strings.TrimSpace(string(text))
}

// copyCoreDNS returns a copy of the module that our own binary is built from.
func copyCoreDNS(t *testing.T) string {
	t.Helper()
	source := goRun(t, repository(t), nil, "list", "-m", "-f", "{{.Dir}}", "github.com/coredns/coredns")
	dir := filepath.Join(t.TempDir(), "coredns")
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// slimDown leaves those lines of plugin.cfg that name a plugin of our binary:
// their dependencies are in the module cache, and few.
func slimDown(t *testing.T, dir string) {
	t.Helper()
	listed, err := exec.Command(binary(t), "-plugins").Output()
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.Fields(string(listed))
	editLines(t, filepath.Join(dir, "plugin.cfg"), func(line string) []string {
		if name, _, _ := strings.Cut(line, ":"); slices.Contains(ours, name) {
			return []string{line}
		}
		return nil
	})
}

// addPlugin does what the README says: the line behind transfer's, and the
// module, here from the source tree.
func addPlugin(t *testing.T, dir string) {
	t.Helper()
	editLines(t, filepath.Join(dir, "plugin.cfg"), func(line string) []string {
		if line == "transfer:transfer" {
			return []string{line, pluginLine}
		}
		return []string{line}
	})
	goRun(t, dir, editable, "mod", "edit", "-require", module+"@v0.0.0", "-replace", module+"="+repository(t))
	sums, err := os.ReadFile(filepath.Join(repository(t), "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "go.sum", string(all)+string(sums))
}

// editLines replaces every line of a file by those that edit returns.
func editLines(t *testing.T, path string, edit func(string) []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		lines = append(lines, edit(strings.TrimSuffix(line, "\n"))...)
	}
	write(t, filepath.Dir(path), filepath.Base(path), strings.Join(lines, "\n")+"\n")
}

// generate has CoreDNS make its chain of plugin.cfg.
func generate(t *testing.T, dir string, env ...string) {
	t.Helper()
	goRun(t, dir, append(env, editable...), "generate", "coredns.go")
}

var directiveLine = regexp.MustCompile(`(?m)^\t"(\w+)",$`)

// directives returns the chain that was generated.
func directives(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "core", "dnsserver", "zdirectives.go"))
	if err != nil {
		t.Fatal(err)
	}
	var chain []string
	for _, match := range directiveLine.FindAllStringSubmatch(string(text), -1) {
		chain = append(chain, match[1])
	}
	if len(chain) == 0 {
		t.Fatal("Expected directives in zdirectives.go")
	}
	return chain
}
