// Package kill kills "ct watch" while it works, and counts what came of it.
package kill

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// Watch starts "certassay ct watch" over two growing logs, a tiled and a plain one,
// kills it with SIGKILL as often as kills says, each time at another moment, lets
// it come to the end, and wants every certificate to have been told once: to a file
// as one line, to a webhook under one id. longest is the longest time that it may
// work before it is killed; it has to be more than it takes to start.
func Watch(t *testing.T, program string, kills int, longest time.Duration) {
	t.Helper()
	g := newGrower(t)
	hook := newHook(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "found.jsonl")
	config := filepath.Join(dir, "watch.yaml")
	writeConfig(t, config, g, hook)

	// The first round begins the logs at their start, or there would be none.
	runOnce(t, program, config)
	stop := make(chan struct{})
	var growing sync.WaitGroup
	growing.Go(func() { g.grow(stop) })
	random := rand.New(rand.NewPCG(1, 2))
	for i := range kills {
		killOne(t, program, config, time.Duration(random.Int64N(int64(longest))))
		if t.Failed() {
			t.Logf("after %d kills", i+1)
			break
		}
	}
	close(stop)
	growing.Wait()
	runOnce(t, program, config)

	told, lines := readTold(t, out)
	lost, twice := 0, 0
	for name := range g.watched {
		switch n := told[name]; {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	ids, posts := hook.count()
	t.Logf("%d kills, %d entries in two logs, %d certificates: %d lines in the file, %d lost, %d twice; the webhook was told %d of them, %d posts were repetitions under the same id",
		kills, g.entries, len(g.watched), lines, lost, twice, ids, posts-ids)
	if lost > 0 || twice > 0 || lines != len(g.watched) {
		t.Errorf("%d certificates, %d lines, %d lost, %d told twice", len(g.watched), lines, lost, twice)
	}
	if ids != len(g.watched) || posts-ids > kills {
		t.Errorf("the webhook was told of %d certificates in %d posts, want %d and at most one repetition a kill", ids, posts, len(g.watched))
	}
	if least := kills * 2; len(g.watched) < least {
		t.Errorf("only %d certificates were logged, want %d: the test shows too little", len(g.watched), least)
	}
}

func writeConfig(t *testing.T, path string, g *grower, h *hook) {
	t.Helper()
	key := func(l *lablog.Log) string { return base64.StdEncoding.EncodeToString(l.Key.SPKI) }
	text := fmt.Sprintf("version: 1\nstate: state\nnames: [.watched.test]\nstart: 1000000\nlogs: [%q, %q]\n"+
		"notify: [{jsonl: found.jsonl}, {webhook: %q}]\ninterval: 20ms\npartial: 1ms\nbatch: 16\nrate: 1000\n",
		g.tiledURL+"="+key(g.tiled), g.plainURL+"="+key(g.plain), h.url)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runOnce lets a round come to its end.
func runOnce(t *testing.T, program, config string) {
	t.Helper()
	cmd := exec.Command(program, "ct", "watch", "-c", config, "--once")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	for range 120 {
		output.Reset()
		if err := cmd.Run(); err == nil {
			return
		}
		// A notification may wait for its time after a post that was cut short.
		time.Sleep(500 * time.Millisecond)
		cmd = exec.Command(program, "ct", "watch", "-c", config, "--once")
		cmd.Stdout, cmd.Stderr = &output, &output
	}
	t.Fatalf("ct watch --once does not come to an end:\n%s", output.String())
}

// killOne starts a watch and kills it after a time.
func killOne(t *testing.T, program, config string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(program, "ct", "watch", "-c", config)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		t.Errorf("ct watch ended by itself: %v\n%s", err, output.String())
		return
	case <-time.After(after):
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	<-ended
}

// readTold counts the lines of the file for each name.
func readTold(t *testing.T, path string) (told map[string]int, lines int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	told = map[string]int{}
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var m struct {
			Kind  string   `json:"kind"`
			Names []string `json:"names"`
		}
		if err := json.Unmarshal(scanner.Bytes(), &m); err != nil || m.Kind != "certificate" || len(m.Names) != 1 {
			t.Errorf("line %d: %v: %.200s", lines+1, err, scanner.Text())
			continue
		}
		told[m.Names[0]]++
		lines++
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return told, lines
}

// A grower adds entries to two logs: each certificate that is watched to one as
// precertificate and to the other as certificate, now this way and now that.
type grower struct {
	lab                *lab.Lab
	tiled, plain       *lablog.Log
	tiledURL, plainURL string
	watched            map[string]bool
	entries            int
	filler             []byte
}

func newGrower(t *testing.T) *grower {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	g := &grower{lab: lab.New(lab.Config{}), watched: map[string]bool{}}
	g.tiled, g.plain = lablog.New(lab.ForgedKey(), "tiled.example", now), lablog.New(lab.LeafKey(), "plain.example", now)
	g.plain.Indexed = false
	g.tiledURL = g.tiled.Serve(t, nil)
	g.plainURL = g.plain.Serve(t, func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		if strings.HasPrefix(r.URL.Path, "/ct/v1/") {
			return honest, true
		}
		return nil, true
	})
	g.filler = g.issue("filler.test", false)
	for range 40 {
		g.step()
	}
	return g
}

// issue makes a certificate, or what a precertificate of it has.
func (g *grower) issue(name string, pre bool) []byte {
	t := g.lab.LeafTemplate()
	t.Drop(lab.IDSCTs)
	t.Set(lab.DNSNames(name))
	t.Subject, t.Serial = lab.Named("CN="+name), lab.SerialOf(name)
	if pre {
		t.Set(lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}})
	}
	return t.Sign(g.lab.Intermediate.Key, "")
}

// grow adds entries until it is to stop.
func (g *grower) grow(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(40 * time.Millisecond):
			g.step()
		}
	}
}

// step adds a certificate that is watched, and some that are not.
func (g *grower) step() {
	name := fmt.Sprintf("n%d.watched.test", len(g.watched))
	g.watched[name] = true
	first, second := g.tiled, g.plain
	if len(g.watched)%2 == 0 {
		first, second = second, first
	}
	chain, spki := g.lab.Intermediate.DER, g.lab.Intermediate.Key.SPKI
	leaf := g.issue(name, false)
	first.AddPrecert(tbsOf(leaf), spki, g.issue(name, true), first.Time, chain)
	second.Add(leaf, second.Time, chain)
	for range 3 {
		first.Add(g.filler, first.Time, chain)
		second.Add(g.filler, second.Time, chain)
	}
	g.entries += 8
}

// tbsOf is the first element of a certificate.
func tbsOf(der []byte) []byte {
	// Both lengths have two octets: no certificate of the lab is shorter than
	// 256 octets.
	body := der[4:]
	return body[:4+int(body[2])<<8+int(body[3])]
}

// A hook is a webhook that counts.
type hook struct {
	url string

	mu    sync.Mutex
	ids   map[string]bool // guarded by mu
	posts int             // guarded by mu
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{ids: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return // it was killed while it posted
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.ids[r.Header.Get("Idempotency-Key")] = true
		h.posts++
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	h.url = server.URL + "/hook"
	return h
}

// count gives how many notifications came, and in how many posts.
func (h *hook) count() (ids, posts int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ids), h.posts
}
