package cli

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/certassay/certassay/internal/lab"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"certassay": func() {
			os.Exit(Run(context.Background(), os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// The scripts run the real command. In each, lab/ holds the honest hierarchy,
// cases/NAME.pem the chain of every lab case, and $HONEST, $FORGED and $SILENT
// are the addresses of an honest server, of a forger in front of it, and of one
// that accepts connections and says nothing. $SWAP is a proxy that leads every
// name to a server with an honest chain for another key.
func TestScript(t *testing.T) {
	l := lab.New(lab.Config{})
	files := t.TempDir()
	if err := l.Write(filepath.Join(files, "lab")); err != nil {
		t.Fatal(err)
	}
	if err := lab.WriteCases(filepath.Join(files, "cases")); err != nil {
		t.Fatal(err)
	}
	writeLogs(t, files, l.Chain(), caseNamed(t, "own-key-mitmproxy").Chain)
	writeStores(t, l, filepath.Join(files, "stores"))
	honest := lab.Serve(t, l.Chain(), l.LeafKey, lab.Server{})
	forged := lab.Serve(t, caseNamed(t, "own-key-mitmproxy").Chain, lab.LeafKey(), lab.Server{})
	private := lab.New(lab.Config{Host: "printer.internal"})
	unanchored := lab.Serve(t, private.Chain(), private.LeafKey, lab.Server{})
	silent := lab.Listen(t, func(ctx context.Context, _ net.Conn) { <-ctx.Done() })
	swap := interceptor(t, lab.Serve(t, caseNamed(t, "honest-renewed-key").Chain, lab.ForgedKey(), lab.Server{}))
	servers, proxies := vantages(t, l, forged)
	servers["HONEST"], servers["FORGED"], servers["SILENT"], servers["PRIVATE"] = honest, forged, silent, unanchored
	proxies["SWAP"] = swap
	for name, der := range map[string][]byte{"rsa-root.pem": lab.New(lab.Config{RSA: true}).Root.DER, "mint-root.pem": transitCA(l).DER} {
		if err := os.WriteFile(filepath.Join(files, name), lab.PEM(der), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for name, addr := range servers {
				host, port, err := net.SplitHostPort(addr)
				if err != nil {
					return err
				}
				env.Setenv(name, addr)
				env.Setenv(name+"_HOST", host)
				env.Setenv(name+"_PORT", port)
			}
			for name, addr := range proxies {
				env.Setenv(name, "http://"+addr)
			}
			env.Setenv("AT", l.At.Format("2006-01-02T15:04:05Z"))
			env.Setenv("SSL_CERT_DIR", filepath.Join(env.WorkDir, "none"))
			env.Setenv("SSL_CERT_FILE", filepath.Join(env.WorkDir, "none.pem"))
			return os.CopyFS(env.WorkDir, os.DirFS(files))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "leaf-hash": leafHash, "pin-of": pinOf, "cut": cut, "expand": expand, "same-pins": samePins},
	})
}

func caseNamed(t *testing.T, name string) lab.Case {
	t.Helper()
	for _, c := range lab.Cases() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("the lab has no case %q", name)
	return lab.Case{}
}

// exits CODE COMMAND ARG... runs a command that has to end with this exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var ended interface{ ExitCode() int }
	got := 0
	switch {
	case errors.As(err, &ended):
		got = ended.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s ended with %d, want %d\n%s", fmt.Sprint(args[1:]), got, want, ts.ReadFile("stderr"))
	}
}

// leafHash CERTIFICATE FILE... writes the certificate's hash over CERT in files.
func leafHash(ts *testscript.TestScript, _ bool, args []string) {
	block, _ := pem.Decode([]byte(ts.ReadFile(args[0])))
	if block == nil {
		ts.Fatalf("%s holds no PEM", args[0])
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(block.Bytes))
	for _, file := range args[1:] {
		text := strings.ReplaceAll(ts.ReadFile(file), "CERT", sum)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	}
}

// pinOf CERTIFICATE WORD FILE... writes the pin of the certificate's key over the
// word in files.
func pinOf(ts *testscript.TestScript, _ bool, args []string) {
	block, _ := pem.Decode([]byte(ts.ReadFile(args[0])))
	if block == nil {
		ts.Fatalf("%s holds no PEM", args[0])
	}
	c, err := x509.ParseCertificate(block.Bytes)
	ts.Check(err)
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	for _, file := range args[2:] {
		text := strings.ReplaceAll(ts.ReadFile(file), args[1], "sha256/"+base64.StdEncoding.EncodeToString(sum[:]))
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	}
}

// cut WHOLE PART writes the first half of a file.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	whole := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(whole[:len(whole)/2]), 0o644))
}

// expand FILE replaces environment variables in a file.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// interceptor is an HTTP proxy that connects everybody to one server.
func interceptor(t *testing.T, server string) string {
	return lab.Listen(t, func(ctx context.Context, client net.Conn) {
		in := bufio.NewReader(client)
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		far, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
		if err != nil {
			return
		}
		defer far.Close()
		_, _ = client.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		go func() {
			_, _ = io.Copy(far, in)
			far.Close()
		}()
		_, _ = io.Copy(client, far)
	})
}

var pinForm = regexp.MustCompile(`sha256/[A-Za-z0-9+/]{43}=`)

// samePins FILE FILE compares the pins of keys in two files, in any order.
func samePins(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same-pins FILE FILE")
	}
	var sets [2][]string
	for i := range sets {
		sets[i] = pinForm.FindAllString(ts.ReadFile(args[i]), -1)
		slices.Sort(sets[i])
	}
	if len(sets[0]) == 0 || !slices.Equal(sets[0], sets[1]) {
		ts.Fatalf("pins of %s: %v\npins of %s: %v", args[0], sets[0], args[1], sets[1])
	}
}
