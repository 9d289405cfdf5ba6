package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// newSite is an honest hierarchy in a directory, without a server in front.
func newSite(t *testing.T) origin {
	t.Helper()
	o := origin{dir: workDir(t)}
	if err := lab.New(lab.Config{Host: host, At: time.Now()}).Write(o.dir); err != nil {
		t.Fatal(err)
	}
	return o
}

// scanAs asks for the host in one scheme at a port of loopback.
func (o origin) scanAs(t *testing.T, scheme, port string) report {
	t.Helper()
	return scan(t, scheme+"://"+host+":"+port, "--resolve", host+":"+port+":127.0.0.1", "--roots", o.file("root.pem"), "--timeout", "60s")
}

// wantOnlyError wants a report without a certificate that says at which stage
// collecting ended, and exit 3: what could not be checked is no pass.
func (r report) wantOnlyError(t *testing.T, stage, text string) {
	t.Helper()
	s := r.Subjects[0]
	if r.exit != 3 || s.Complete || len(s.Chain) > 0 || len(s.Errors) != 1 || s.Errors[0].Stage != stage || !strings.Contains(s.Errors[0].Error, text) {
		t.Errorf("exit %d, complete %v, errors %+v; want 3, false and %q at stage %s\n%s", r.exit, s.Complete, s.Errors, text, stage, r.text)
	}
}

// needRoot skips where a server that changes its user cannot.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("this server has to be started by root")
	}
}

// as gives the command line that runs a program as another user, where we are
// root: some servers refuse to be.
func as(t *testing.T, user, program string, args ...string) (string, []string) {
	t.Helper()
	if os.Getuid() != 0 {
		return program, args
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("setpriv is not installed")
	}
	return setpriv, append([]string{"--reuid", user, "--regid", user, "--clear-groups", program}, args...)
}

// ownKey copies the key of the site for a server that wants it to be nobody
// else's, and gives its path.
func (o origin) ownKey(t *testing.T, name, user string) string {
	t.Helper()
	copyFile(t, o.file("key.pem"), o.file(name))
	if err := os.Chmod(o.file(name), 0o600); err != nil {
		t.Fatal(err)
	}
	give(t, o.file(name), user)
	return o.file(name)
}

// makeDir makes a directory of the site and gives its path.
func (o origin) makeDir(t *testing.T, name string) string {
	t.Helper()
	dir := o.file(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// newest finds a program that Debian installs in a directory of its version.
func newest(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Skipf("%s is not installed", pattern)
	}
	return paths[len(paths)-1]
}
