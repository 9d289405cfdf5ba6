package collision

import (
	"fmt"
	"strings"
)

// The families of attacks on MD5.
const (
	familyWang       = "Wang, fastcoll or Flame"
	familyIdentical  = "identical-prefix (Wang, fastcoll)"
	familyFlame      = "chosen-prefix over Wang's difference (Flame)"
	familyChosen     = "chosen-prefix (RapidSSL rogue CA, HashClash)"
	familySingle     = "single-block chosen-prefix (Stevens 2009)"
	familySingleIPC  = "single-block identical-prefix (Stevens 2012)"
	familyXieFeng    = "single-block identical-prefix (Xie, Feng 2010)"
	familyUniColl    = "UniColl (HashClash)"
	familyPseudo     = "den Boer, Bosselaers pair (APOP, TextColl)"
	familyUnassigned = "studied difference without a published attack on documents"
)

// A bit is one bit of one message word of a block.
type bit struct{ word, bit int }

// A class is a set of message bits that a known trail changes. Middle is the
// step, counted from 0, behind which the state has no difference or that of the
// highest bits.
type class struct {
	middle int
	family string
	bits   []bit
}

// known are the differences of Stevens, "Counter-cryptanalysis" (2013), section
// 4, but for two that were met in published collisions since: UniColl with N=2,
// and m8.25 m13.31 of https://marc-stevens.nl/research/md5-1block-collision/.
var known = []class{
	{44, familyWang, []bit{{4, 31}, {11, 15}, {14, 31}}},
	{44, familySingle, []bit{{2, 8}, {4, 31}, {11, 15}, {14, 31}}},
	{44, familyXieFeng, []bit{{5, 10}, {10, 31}}},
	{44, familySingleIPC, []bit{{8, 25}, {13, 31}}},
	{37, familyUniColl, []bit{{2, 8}}},
	{37, familyUniColl, []bit{{0, 31}, {6, 31}, {13, 27}}},
	{37, familyUniColl, []bit{{6, 8}, {9, 31}, {15, 31}}},
	{37, familyUnassigned, []bit{{2, 31}, {9, 27}, {12, 31}}},
	{37, familyUnassigned, []bit{{2, 8}, {14, 31}}},
	{37, familyUnassigned, []bit{{5, 10}, {9, 27}}},
	{50, familyUnassigned, []bit{{6, 8}}},
	{50, familyUnassigned, []bit{{9, 27}}},
	{44, familyUnassigned, []bit{{8, 31}}},
	{44, familyUnassigned, []bit{{4, 20}, {7, 31}, {13, 31}}},
	{44, familyUnassigned, []bit{{5, 10}, {11, 21}}},
	{44, familyUnassigned, []bit{{5, 10}, {11, 31}}},
	{44, familyUnassigned, []bit{{5, 31}, {8, 31}}},
	{44, familyUnassigned, []bit{{5, 31}, {11, 31}}},
	{44, familyUnassigned, []bit{{8, 31}, {11, 21}}},
	{44, familyUnassigned, []bit{{4, 31}}},
	{44, familyUnassigned, []bit{{5, 31}}},
	{44, familyUnassigned, []bit{{14, 31}}},
	{44, familyUnassigned, []bit{{4, 25}}},
	{44, familyUnassigned, []bit{{5, 10}}},
	{44, familyUnassigned, []bit{{8, 25}}},
	{44, familyUnassigned, []bit{{14, 16}}},
	{44, familyUnassigned, []bit{{4, 20}}},
}

// A difference is a class with a sign: what is added to each message word of
// this block to get the sibling's.
type difference struct {
	name, family string
	middle       int
	words        [16]uint32
	// before and after are the last step up to the middle and the first one
	// behind it that use a changed word; -1 and 64 where there is none.
	before, after int
}

// differences are all classes with both signs, and with every bit of word 11,
// which is where Stevens' chosen-prefix attack puts its one difference.
var differences = expand()

func expand() []difference {
	list := append([]class(nil), known...)
	for b := range 32 {
		list = append(list, class{44, familyChosen, []bit{{11, b}}})
	}
	var out []difference
	for _, c := range list {
		d := c.difference()
		out = append(out, d)
		if minus := d.negated(); minus.words != d.words {
			out = append(out, minus)
		}
	}
	return out
}

func (c class) difference() difference {
	d := difference{family: c.family, middle: c.middle, before: -1, after: steps}
	var name []string
	for _, b := range c.bits {
		d.words[b.word] = 1 << b.bit
		name = append(name, fmt.Sprintf("m%d.%d", b.word, b.bit))
	}
	d.name = strings.Join(name, " ")
	for t := range steps {
		switch changed := d.words[schedule[t].word] != 0; {
		case changed && t <= c.middle:
			d.before = t
		case changed:
			d.after = min(d.after, t)
		}
	}
	return d
}

// negated has every word's sign turned; 2^31 is its own negative.
func (d difference) negated() difference {
	for i := range d.words {
		d.words[i] = -d.words[i]
	}
	return d
}
