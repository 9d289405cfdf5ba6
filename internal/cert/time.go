package cert

import (
	"errors"
	"fmt"
	"time"
)

var errTimeForm = errors.New("not a time")

// parseTime reads UTCTime and GeneralizedTime in the forms of X.680 sections 46
// and 47, of which DER and RFC 5280 section 4.1.2.5 allow one each. A date that
// no calendar has is an error; second 60 is the next minute's start.
func parseTime(e Element, q *Quirks) (time.Time, error) {
	year, b, err := parseYear(e, q)
	if err != nil {
		return time.Time{}, err
	}
	var f [5]int // month, day, hour, minute, second
	n := 0
	for ; n < 5 && len(b) >= 2; n, b = n+1, b[2:] {
		v, ok := two(b)
		if !ok {
			break
		}
		f[n] = v
	}
	if n < 4 {
		return time.Time{}, timeError(e)
	}
	if n == 4 {
		*q |= TimeNotDER
	}
	nanos, b := fraction(b, q)
	offset, ok := zone(b, q)
	if !ok || f[0] < 1 || f[0] > 12 || f[1] < 1 || f[2] > 23 || f[3] > 59 || f[4] > 60 {
		return time.Time{}, timeError(e)
	}
	if f[4] == 60 {
		*q |= TimeNotDER
	}
	t := time.Date(year, time.Month(f[0]), f[1], f[2], f[3], f[4], nanos, time.UTC)
	if f[4] < 60 && (t.Day() != f[1] || int(t.Month()) != f[0]) || f[1] > 31 {
		return time.Time{}, timeError(e)
	}
	return t.Add(-offset), nil
}

func timeError(e Element) error {
	return fmt.Errorf("reading time %q: %w", e.Body[:min(len(e.Body), 32)], errTimeForm)
}

func parseYear(e Element, q *Quirks) (year int, rest []byte, err error) {
	b := e.Body
	switch {
	case e.ID == idUTCTime && len(b) >= 2:
		yy, ok := two(b)
		if !ok {
			break
		}
		// RFC 5280 section 4.1.2.5.1: 50 to 99 are of the last century.
		if yy < 50 {
			yy += 100
		}
		return 1900 + yy, b[2:], nil
	case e.ID == idGenTime && len(b) >= 4:
		c, ok1 := two(b)
		yy, ok2 := two(b[2:])
		if !ok1 || !ok2 {
			break
		}
		year = 100*c + yy
		if year < 2050 {
			*q |= TimeOutOfForm
		}
		return year, b[4:], nil
	}
	return 0, nil, timeError(e)
}

func two(b []byte) (int, bool) {
	hi, lo := b[0]-'0', b[1]-'0'
	return int(hi)*10 + int(lo), hi <= 9 && lo <= 9
}

// fraction reads a decimal fraction of a second.
func fraction(b []byte, q *Quirks) (nanos int, rest []byte) {
	if len(b) < 2 || b[0] != '.' && b[0] != ',' {
		return 0, b
	}
	*q |= TimeNotDER
	b = b[1:]
	for scale := 100_000_000; len(b) > 0 && b[0] >= '0' && b[0] <= '9'; b = b[1:] {
		nanos += int(b[0]-'0') * scale
		scale /= 10
	}
	return nanos, b
}

// zone reads Z or an offset; nothing at all means local time, which is taken
// as UTC.
func zone(b []byte, q *Quirks) (time.Duration, bool) {
	if len(b) == 1 && b[0] == 'Z' {
		return 0, true
	}
	*q |= TimeNotDER
	if len(b) == 0 {
		return 0, true
	}
	if len(b) != 5 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	h, ok1 := two(b[1:])
	m, ok2 := two(b[3:])
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if b[0] == '-' {
		d = -d
	}
	return d, ok1 && ok2 && h < 24 && m < 60
}
