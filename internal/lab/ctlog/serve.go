package ctlog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// A Fault answers in the place of the log. honest is what the log would say, nil
// where there is no such thing, and call counts the requests for this path from
// 1 on. It gives back what to send, or false where it has answered itself.
type Fault func(w http.ResponseWriter, r *http.Request, honest []byte, call int) ([]byte, bool)

// Page bounds the entries of one answer of get-entries.
const Page = 256

// Serve serves the log until the test ends: through RFC 6962 below /ct/v1/, and
// its tiles below the root. fault may be nil. It gives the address.
func (l *Log) Serve(t testing.TB, fault Fault) string {
	t.Helper()
	server := httptest.NewServer(l.Handler(fault))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL + "/"
}

// Handler serves the log; see [Log.Serve].
func (l *Log) Handler(fault Fault) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/")
		l.mu.Lock()
		l.calls[path]++
		call := l.calls[path]
		var body []byte
		if name, ok := strings.CutPrefix(path, "ct/v1/"); ok {
			body = l.answer(name, r.URL.Query())
		} else {
			body = l.file(path)
		}
		l.mu.Unlock()
		if fault != nil {
			var send bool
			if body, send = fault(w, r, body, call); !send {
				return
			}
		}
		if body == nil {
			code := http.StatusNotFound
			if strings.HasPrefix(path, "ct/v1/get-") {
				code = http.StatusBadRequest
			}
			http.Error(w, "no such thing", code)
			return
		}
		w.Write(body)
	})
}

// Calls is how often a path was asked for.
func (l *Log) Calls(path string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[path]
}

// answer is that of RFC 6962 section 4; nil for bad parameters.
func (l *Log) answer(name string, q url.Values) []byte {
	number := func(key string) int64 {
		n, err := strconv.ParseInt(q.Get(key), 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	size := int64(l.shown())
	switch name {
	case "get-sth":
		root := l.root(int(size))
		return encode(map[string]any{"tree_size": size, "timestamp": l.Time.UnixMilli(), "sha256_root_hash": root[:], "tree_head_signature": l.signature(int(size), root)})
	case "get-entries":
		return l.page(number("start"), min(number("end")+1, size))
	case "get-sth-consistency":
		if number("second") > int64(len(l.entries)) {
			return nil
		}
		proof, err := tlog.ProveTree(number("second"), number("first"), l)
		if err != nil {
			return nil
		}
		return encode(map[string]any{"consistency": encodeProof(proof)})
	case "get-proof-by-hash":
		for i, e := range l.entries {
			hash := tlog.RecordHash(e.leaf)
			if base64.StdEncoding.EncodeToString(hash[:]) == q.Get("hash") {
				return l.proof(number("tree_size"), int64(i), false)
			}
		}
	case "get-entry-and-proof":
		return l.proof(number("tree_size"), number("leaf_index"), true)
	}
	return nil
}

func (l *Log) page(from, to int64) []byte {
	if from < 0 || from >= to {
		return nil
	}
	var entries []any
	for _, e := range l.entries[from:min(to, from+Page)] {
		x := e.json()
		// In the order that real logs write, which readers count on for speed.
		entries = append(entries, struct {
			Leaf  any `json:"leaf_input"`
			Extra any `json:"extra_data"`
		}{x["leaf_input"], x["extra_data"]})
	}
	return encode(map[string]any{"entries": entries})
}

func (e *entry) json() map[string]any {
	var extra, list []byte
	if e.submitted != nil {
		extra = vector(3, e.submitted)
	}
	for _, c := range e.chain {
		list = append(list, vector(3, c)...)
	}
	return map[string]any{"leaf_input": e.leaf, "extra_data": append(extra, vector(3, list)...)}
}

func (l *Log) proof(size, index int64, withEntry bool) []byte {
	if size < 1 || size > int64(len(l.entries)) || index < 0 || index >= size {
		return nil
	}
	proof, err := tlog.ProveRecord(size, index, l)
	if err != nil {
		return nil
	}
	answer := map[string]any{"leaf_index": index, "audit_path": encodeProof(proof)}
	if withEntry {
		answer = l.entries[index].json()
		answer["audit_path"] = encodeProof(proof)
	}
	return encode(answer)
}

func encodeProof(proof []tlog.Hash) [][]byte {
	out := [][]byte{}
	for _, h := range proof {
		out = append(out, h[:])
	}
	return out
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("lab log: " + err.Error())
	}
	return b
}

// ID is the log's identifier.
func (l *Log) ID() [32]byte { return sha256.Sum256(l.Key.SPKI) }
