package e2e

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/lab"
)

// The CI section of the README is followed word for word in a scratch repository:
// its inventory, its commands, the GitHub action with its inputs, the script of
// the GitLab job, the pre-commit hook.

// section is the part of the README under a heading, and fenced gives its fenced
// blocks of a language.
func section(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("the README has no section %q", heading)
	}
	part, _, _ := strings.Cut(rest, "\n## ")
	return part
}

func fenced(text, language string) (blocks []string) {
	for {
		_, rest, ok := strings.Cut(text, "\n```"+language+"\n")
		if !ok {
			return blocks
		}
		block, after, _ := strings.Cut(rest, "\n```")
		blocks, text = append(blocks, block+"\n"), after
	}
}

// blockWith is the one block that has all of these words.
func blockWith(t *testing.T, blocks []string, word string) string {
	t.Helper()
	for _, b := range blocks {
		if strings.Contains(b, word) {
			return b
		}
	}
	t.Fatalf("no block of the README has %q", word)
	return ""
}

// A scratch repository whose time.example.org is a server on loopback.
type scratch struct {
	dir string
	env []string
}

const documented = "time.example.org"

// newScratch serves the certificate on a loopback address at port 443, where the
// README's targets are.
func newScratch(t *testing.T, l *lab.Lab, chain [][]byte, key *lab.Key) scratch {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("port 443 of loopback needs root")
	}
	listener := listenHTTPS(t)
	address, _, _ := net.SplitHostPort(listener.Addr().String())
	serveOn(t, listener, tls.Certificate{Certificate: chain, PrivateKey: key.Signer})
	s := scratch{dir: workDir(t)}
	bin := filepath.Join(s.dir, "bin")
	if err := errors.Join(
		os.Mkdir(bin, 0o755), os.Mkdir(filepath.Join(s.dir, "repo"), 0o755),
		os.Symlink(binary, filepath.Join(bin, "certassay")), l.Write(s.dir),
	); err != nil {
		t.Fatal(err)
	}
	s.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "RUNNER_TEMP="+bin,
		"CERTASSAY_RESOLVE="+documented+":443:"+address, "CERTASSAY_ROOTS="+filepath.Join(s.dir, "root.pem"),
		"GITHUB_OUTPUT="+filepath.Join(s.dir, "output"), "GITHUB_STEP_SUMMARY="+filepath.Join(s.dir, "summary"))
	s.write(t, "certassay.yaml", fenced(section(t, "In CI"), "yaml")[0])
	s.shell(t, 0, "git init -q . && git add . && git -c user.name=t -c user.email=t@example.org commit -qm inventory")
	return s
}

// serveAt shows a chain at an address of loopback until the test ends.
func serveAt(t *testing.T, address string, chain tls.Certificate) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, chain)
}

// listenHTTPS listens at port 443 of an address of loopback where nobody else does,
// nor in another run on the same machine.
func listenHTTPS(t *testing.T) net.Listener {
	t.Helper()
	for {
		address := fmt.Sprintf("127.%d.%d.%d:443", 1+rand.IntN(254), 1+rand.IntN(254), 1+rand.IntN(254))
		listener, err := net.Listen("tcp", address)
		switch {
		case err == nil:
			return listener
		case !errors.Is(err, syscall.EADDRINUSE):
			t.Fatal(err)
		}
	}
}

// serveOn shows a chain to who connects.
func serveOn(t *testing.T, plain net.Listener, chain tls.Certificate) {
	t.Helper()
	listener := tls.NewListener(plain, &tls.Config{Certificates: []tls.Certificate{chain}})
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				_ = conn.(*tls.Conn).Handshake()
				_ = conn.Close()
			}()
		}
	}()
}

func (s scratch) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "repo", name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s scratch) read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// shell runs a script in the repository and gives what it wrote.
func (s scratch) shell(t *testing.T, want int, script string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = filepath.Join(s.dir, "repo"), &out, &out, append(s.env, env...)
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("%s\nexited with %d, want %d:\n%s", script, got, want, &out)
	}
	return out.String()
}

// action runs the composite action as GitHub does: inputs as environment.
func (s scratch) action(t *testing.T, want int, inputs ...string) string {
	t.Helper()
	for _, name := range []string{"output", "summary"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs("../../../.github/actions/audit/audit.sh")
	if err != nil {
		t.Fatal(err)
	}
	return s.shell(t, want, "bash "+script, append(actionDefaults(t), inputs...)...)
}

// actionDefaults are the defaults of the action's inputs, as GitHub hands them to
// the script.
func actionDefaults(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../../.github/actions/audit/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs map[string]struct{ Default string }
	}
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	var out []string
	for name, input := range action.Inputs {
		out = append(out, strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+input.Default)
	}
	if len(out) < 5 {
		t.Fatalf("the action has %d inputs", len(out))
	}
	return out
}

func TestReadmeCI(t *testing.T) {
	need(t, "git", "bash")
	l := lab.New(lab.Config{Host: documented, At: time.Now()})
	s := newScratch(t, l, l.Chain(), l.LeafKey)
	text := section(t, "In CI")
	t.Run("anywhere else", func(t *testing.T) {
		for _, block := range fenced(text, "sh") {
			if strings.HasPrefix(block, "docker ") {
				continue // the image holds the binary and nothing else
			}
			s.shell(t, 0, block)
		}
		for _, name := range []string{"repo/report.json", "repo/report.html", "repo/comment.md"} {
			if s.read(t, name) == "" {
				t.Errorf("%s is empty", name)
			}
		}
	})
	t.Run("gitlab", func(t *testing.T) {
		job := blockWith(t, fenced(text, "yaml"), "image: golang")
		ran := 0
		for line := range strings.Lines(job) {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "- "); ok && !strings.HasPrefix(command, "go install ") {
				s.shell(t, 0, command)
				ran++
			}
		}
		if ran != 1 || !strings.Contains(s.read(t, "repo/certassay.xml"), "<testsuite") || s.read(t, "repo/certassay.html") == "" {
			t.Errorf("%d commands were run, and left not all artifacts", ran)
		}
	})
	t.Run("github", func(t *testing.T) {
		if job := blockWith(t, fenced(text, "yaml"), "uses: certassay/certassay/.github/actions/audit@"); !strings.Contains(job, "with: {fail-on: high}") {
			t.Fatalf("the test does not know the inputs of\n%s", job)
		}
		s.action(t, 0, "FAIL_ON=high")
		if got := s.read(t, "output"); !strings.Contains(got, "exit-code=0\n") || !strings.Contains(got, "sarif=certassay-reports/report.sarif\n") {
			t.Errorf("outputs:\n%s", got)
		}
		if s.read(t, "summary") == "" {
			t.Error("there is no summary")
		}
		s.action(t, 2, "ARGS=--no-such-flag")
		if got := s.read(t, "output"); !strings.Contains(got, "exit-code=2\n") || strings.Contains(got, "sarif=") {
			t.Errorf("outputs of a wrong command line:\n%s", got)
		}
		// A pull request may write the inputs: none becomes a command.
		for _, input := range []string{"ARGS=$(touch${IFS}pwned);touch pwned", "FAIL_ON=never;touch pwned", "INVENTORY=`touch pwned`"} {
			s.action(t, 2, input)
		}
		if _, err := os.Stat(filepath.Join(s.dir, "repo", "pwned")); err == nil {
			t.Error("an input was run as a command")
		}
	})
	t.Run("pre-commit", func(t *testing.T) {
		hook, err := os.ReadFile("../../../.pre-commit-hooks.yaml")
		if err != nil {
			t.Fatal(err)
		}
		_, entry, _ := strings.Cut(string(hook), "\n  entry: ")
		entry, _, _ = strings.Cut(entry, "\n")
		s.shell(t, 0, entry)
		// It has to run for files that the inventory includes, too: pre-commit
		// would skip it where no changed file has the name it looks for.
		if !strings.Contains(string(hook), "\n  always_run: true\n") {
			t.Error("the hook does not run for every commit")
		}
		s.write(t, "certassay.yaml", "version: 1\ngroups:\n  - nme: x\n")
		if out := s.shell(t, 2, entry); !strings.Contains(out, "certassay.yaml:3:5") {
			t.Errorf("a broken inventory:\n%s", out)
		}
	})
	t.Run("github, broken inventory", func(t *testing.T) {
		s.write(t, "certassay.yaml", "version: 1\ngroups:\n  - nme: 100%\n::add-mask::x: 1\n")
		out := s.action(t, 2)
		if !strings.Contains(out, "\n::error file=certassay.yaml,line=3,col=5,title=certassay::group: unknown key \"nme\"\n") {
			t.Errorf("the error is not at its line:\n%s", out)
		}
		for line := range strings.Lines(out) {
			if command := strings.TrimSpace(line); strings.HasPrefix(command, "::") && !strings.HasPrefix(command, "::error file=certassay.yaml,") {
				t.Errorf("the inventory gives a command: %q", line)
			}
		}
	})
}

// With an interceptor in the server's place the action fails, at the line of the
// inventory.
func TestReadmeCIForged(t *testing.T) {
	need(t, "git", "bash")
	l := lab.New(lab.Config{Host: documented, At: time.Now()})
	forged := lab.ForgedKey()
	impostor := l.SelfSignedCA(l.Root.Name, lab.ImpostorKey())
	leaf := l.LeafTemplate()
	leaf.Key = forged
	s := newScratch(t, l, [][]byte{leaf.Sign(lab.ImpostorKey(), ""), impostor.DER}, forged)
	out := s.action(t, 1)
	if !strings.Contains(out, "::error ") || !strings.Contains(out, "file=certassay.yaml,line=5") {
		t.Errorf("annotations:\n%s", out)
	}
	if got := s.read(t, "output"); !strings.Contains(got, "exit-code=1\n") || !strings.Contains(got, "sarif=") {
		t.Errorf("outputs:\n%s", got)
	}
	// The bar of the inventory holds where the job names none.
	s.write(t, "certassay.yaml", strings.Replace(s.read(t, "repo/certassay.yaml"), "groups:", "defaults: {fail_on: never}\ngroups:", 1))
	s.action(t, 0)
	s.action(t, 1, "FAIL_ON=high")
	if !strings.Contains(s.read(t, "repo/certassay-reports/report.sarif"), `"uri": "certassay.yaml"`) &&
		!strings.Contains(s.read(t, "repo/certassay-reports/report.sarif"), `"uri":"certassay.yaml"`) {
		t.Error("SARIF does not point at the inventory")
	}
}
