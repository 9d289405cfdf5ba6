package sensorlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// A record is one line of a Zeek log: values as text, lists joined by commas.
type record map[string]string

func (r record) time(key string) time.Time {
	if at, err := time.Parse(time.RFC3339Nano, r[key]); err == nil {
		return at.UTC()
	}
	seconds, err := strconv.ParseFloat(r[key], 64)
	if err != nil || !(seconds > 0 && seconds < 1e11) {
		return time.Time{}
	}
	whole, part := math.Modf(seconds)
	// Zeek writes microseconds, which is about what a float64 holds.
	return time.Unix(int64(whole), int64(math.Round(part*1e6))*1000).UTC()
}

func (r record) list(key string) (out []string) {
	for one := range strings.SplitSeq(r[key], ",") {
		if one = strings.TrimSpace(one); one != "" && len(out) < maxChain {
			out = append(out, one)
		}
	}
	return out
}

// A zeek reads lines of either form.
type zeek struct {
	fields           []string
	unset, separator string
	broken           int // lines that cannot be read
}

// each gives the records of a log until the function returns false. Lines that
// are broken are counted and passed over.
func (z *zeek) each(in io.Reader, do func(record) bool) error {
	z.separator, z.unset = "\t", "-"
	return lines(in, func(line []byte) bool {
		switch line[0] {
		case '#':
			z.header(string(line))
			return true
		case '{':
			r, err := fromJSON(line)
			if err != nil {
				z.broken++
				return true
			}
			return do(r)
		}
		values := strings.Split(string(line), z.separator)
		if len(z.fields) == 0 || len(values) != len(z.fields) {
			z.broken++
			return true
		}
		r := record{}
		for i, v := range values {
			if v != z.unset && v != "(empty)" {
				r[z.fields[i]] = v
			}
		}
		return do(r)
	})
}

func (z *zeek) header(line string) {
	if text, ok := strings.CutPrefix(line, "#separator "); ok {
		if s, err := strconv.Unquote(`"` + text + `"`); err == nil && len(s) == 1 {
			z.separator = s
		}
		return
	}
	key, rest, _ := strings.Cut(line, z.separator)
	switch key {
	case "#fields":
		z.fields = strings.Split(rest, z.separator)
	case "#unset_field":
		z.unset = rest
	}
}

func fromJSON(line []byte) (record, error) {
	var values map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&values); err != nil {
		return nil, err
	}
	r := record{}
	for key, v := range values {
		switch v := v.(type) {
		case []any:
			var parts []string
			for _, one := range v {
				parts = append(parts, fmt.Sprint(one))
			}
			r[key] = strings.Join(parts, ",")
		case nil:
		default:
			r[key] = fmt.Sprint(v)
		}
	}
	return r, nil
}

// certificates reads an x509.log. known takes the bytes by each name that an
// ssl.log may call them.
func (l *log) certificates(in io.Reader, known map[string][]byte, take func(der []byte, seen time.Time)) error {
	z := &zeek{}
	err := z.each(in, func(r record) bool {
		der, ok := decoded(r["cert"])
		if !ok {
			l.without++
			return true
		}
		if known != nil {
			if l.kept += len(der); l.kept > maxKept || len(known) > 3*MaxObservations {
				l.full = true
				return false
			}
			known[fingerprint(der)] = der
			if id := r["id"]; id != "" {
				known[id] = der
			}
		}
		if take != nil {
			take(der, r.time("ts"))
		}
		return true
	})
	l.broken += z.broken
	return err
}

// connections reads an ssl.log with the certificates of the x509.log beside it.
func (l *log) connections(in io.Reader, known map[string][]byte) error {
	z := &zeek{}
	err := z.each(in, func(r record) bool {
		names := r.list("cert_chain_fps")
		if len(names) == 0 {
			names = r.list("cert_chain_fuids")
		}
		o := observation{server: join(r["id.resp_h"], r["id.resp_p"]), client: r["id.orig_h"], name: r["server_name"], seen: r.time("ts"), by: "Zeek"}
		for _, name := range names {
			if der := known[name]; der != nil {
				o.chain = append(o.chain, der)
			}
		}
		switch {
		case len(names) == 0:
			l.hidden++
		case len(o.chain) == 0:
			l.named++
		default:
			o.missing = len(names) - len(o.chain)
			l.add(&o)
		}
		return true
	})
	l.broken += z.broken
	return err
}
