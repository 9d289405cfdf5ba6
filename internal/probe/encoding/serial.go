package encoding

import (
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// Serial gives the facts about a serial number; nil where there is none to
// read.
func Serial(c *cert.Certificate, at time.Time) *facts.Serial {
	if c.SerialErr != nil {
		return nil
	}
	f := &facts.Serial{
		Hex: hex.EncodeToString(c.Serial), Octets: int64(len(c.Serial)),
		Negative: c.SerialNegative(), Minimal: c.SerialMinimal(),
	}
	n := value(c.Serial)
	f.Bits = int64(n.BitLen())
	f.Zero = n.Sign() == 0
	f.Magic = trust.MagicSerial(f.Hex)
	f.LooksLikeTime = likeTime(n, c, at)
	return f
}

// value reads two's complement octets.
func value(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// timeSlack is how far a serial that was taken from a clock may lie from
// notBefore or from the time of judgement.
const timeSlack = 2 * 24 * time.Hour

// maxBackdate is the longest that a known tool sets notBefore back (30 days):
// the clock was read that long after it.
const maxBackdate = 31 * 24 * time.Hour

// units are the resolutions in which tools write their clock, as parts of a
// second.
var units = []int64{1, 1e3, 1e4, 1e6, 1e9}

// likeTime says whether a serial number is a Unix time near the one at which
// the certificate can have been made: as a number in one of the usual
// resolutions, or as the ten digits that a longer decimal number starts with.
//
// A random serial of 64 bits or more hits a window of about 35 days by chance
// once in several million as a number; as a prefix of a decimal number of 20 to
// 24 digits once in about three thousand, so that such a hit is only counted
// where the number is shorter than the 64 bits plus ten digits that honest
// serials have.
func likeTime(n *big.Int, c *cert.Certificate, at time.Time) bool {
	if n.Sign() <= 0 || n.BitLen() > 80 || c.NotBeforeErr != nil {
		return false
	}
	if n.IsInt64() {
		v := n.Int64()
		for _, unit := range units {
			if madeAround(v/unit, c.NotBefore, at) {
				return true
			}
		}
	}
	digits := n.String()
	if len(digits) < 13 {
		return false
	}
	sec, err := strconv.ParseInt(strings.TrimLeft(digits[:10], "0"), 10, 64)
	return err == nil && n.BitLen() > 63 && madeAround(sec, c.NotBefore, at) && strings.HasPrefix(digits, "1")
}

// madeAround says whether a Unix time lies between notBefore and the longest
// backdating after it.
func madeAround(sec int64, notBefore, at time.Time) bool {
	t := time.Unix(sec, 0)
	return t.After(notBefore.Add(-timeSlack)) && t.Before(notBefore.Add(maxBackdate)) && t.Before(at.Add(timeSlack))
}
