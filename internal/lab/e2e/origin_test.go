package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// host is the name that every server here answers for. It resolves nowhere:
// --resolve says where it is.
const host = "time.lab.example"

// An origin is nginx with the honest hierarchy, and a directory for whatever
// stands in front of it.
type origin struct {
	dir  string
	port string
	// plain is where nginx speaks HTTP without TLS.
	plain string
}

// newOrigin starts nginx on loopback.
func newOrigin(t *testing.T, nginx string) origin { return newOriginOf(t, nginx, "") }

// newOriginOf is newOrigin with a hierarchy of another organisation, and further
// directives for nginx; "%[1]s" in them is the directory.
func newOriginOf(t *testing.T, nginx, organization string, directives ...string) origin {
	t.Helper()
	o := origin{dir: workDir(t), port: freePort(t), plain: freePort(t)}
	if err := lab.New(lab.Config{Host: host, At: time.Now(), Organization: organization}).Write(o.dir); err != nil {
		t.Fatal(err)
	}
	o.write(t, "logs.json", string(lab.New(lab.Config{Host: host}).LogList()))
	o.write(t, "nginx.conf", fmt.Sprintf(`
daemon off;
pid %[1]s/nginx.pid;
worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  server {
    listen 127.0.0.1:%[3]s;
    listen 127.0.0.1:%[2]s ssl http2;
    ssl_certificate %[1]s/chain.pem;
    ssl_certificate_key %[1]s/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    `+strings.Join(directives, "\n")+`
    location / { return 200 "honest\n"; }
  }
}
`, o.dir, o.port, o.plain))
	start(t, o.dir, o.port, nginx, "-e", o.file("nginx.err"), "-p", o.dir, "-c", o.file("nginx.conf"))
	return o
}

func (o origin) file(name string) string { return filepath.Join(o.dir, name) }

func (o origin) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(o.file(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// scan asks for the host at a port of loopback, with the honest root as the
// owner's anchor.
func (o origin) scan(t *testing.T, port string, more ...string) report {
	t.Helper()
	args := []string{"https://" + host + ":" + port, "--resolve", host + ":" + port + ":127.0.0.1", "--roots", o.file("root.pem")}
	return scan(t, append(args, more...)...)
}
