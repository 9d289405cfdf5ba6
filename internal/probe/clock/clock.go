// Package clock turns what a certificate claims about time into facts.
package clock

import (
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
)

// A day is what the Baseline Requirements make it (section 6.3.2): 86 400
// seconds, and any part of a further one counts as a whole.
const (
	day           = 24 * time.Hour
	secondsPerDay = int64(day / time.Second)
)

// A limit is the longest lifetime of a public TLS leaf from a date on.
type limit struct {
	from   time.Time
	months int // calendar months, where the limit was given so
	days   int
	// slack is a day where CAs and browsers counted notAfter as exclusive.
	slack int
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// limits are in descending order. Sources: Baseline Requirements 1.0 (60 months
// from 2012-07-01), 1.2 (39 months from 2015-04-01), ballot 193 (825 days from
// 2018-03-01), Apple and Mozilla root policies (398 days from 2020-09-01), ballot
// SC-081v3 (200, 100 and 47 days).
var limits = []limit{
	{from: date(2029, 3, 15), days: 47},
	{from: date(2027, 3, 15), days: 100},
	{from: date(2026, 3, 15), days: 200},
	{from: date(2020, 9, 1), days: 398},
	{from: date(2018, 3, 1), days: 825, slack: 1},
	{from: date(2015, 4, 1), months: 39, slack: 1},
	{from: date(2012, 7, 1), months: 60, slack: 1},
}

// Validity gives the facts about a certificate's validity period, judged at a
// time. It is nil where either end cannot be read.
func Validity(c *cert.Certificate, at time.Time) *facts.Valid {
	if c.NotBeforeErr != nil || c.NotAfterErr != nil {
		return nil
	}
	// Both ends are part of the period (RFC 5280 section 4.1.2.5). Not a
	// time.Duration, which ends at 292 years.
	seconds := c.NotAfter.Unix() - c.NotBefore.Unix() + 1
	return &facts.Valid{
		NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Seconds: seconds, Days: (seconds + secondsPerDay - 1) / secondsPerDay,
		Limit:    limitDays(c.NotBefore),
		Started:  !c.NotBefore.After(at),
		Ended:    at.After(c.NotAfter.Add(time.Second - 1)),
		Inverted: c.NotAfter.Before(c.NotBefore),
	}
}

// limitDays is the limit in force on a notBefore, 0 before there was any.
func limitDays(notBefore time.Time) int64 {
	for _, l := range limits {
		if notBefore.Before(l.from) {
			continue
		}
		days := l.days
		if l.months > 0 {
			days = int(notBefore.AddDate(0, l.months, 0).Sub(notBefore) / day)
		}
		return int64(days + l.slack)
	}
	return 0
}
