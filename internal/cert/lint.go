package cert

import "bytes"

// lint looks at every value of the certificate for what DER forbids: the walk
// itself reads only what it needs.
func (c *Certificate) lint(b []byte) {
	c.lintAll(b, 0)
	for i := range c.Extensions {
		x := &c.Extensions[i]
		if x.Err != nil {
			continue
		}
		if known(x.OID) {
			c.lintValue(x)
			continue
		}
		// What is in it need not be DER; a library may read it all the same.
		q := c.Quirks
		c.lintAll(x.Value, 1)
		c.Quirks = q
	}
}

// lintValue looks inside an extension's OCTET STRING.
func (c *Certificate) lintValue(x *Extension) {
	q := &c.Quirks
	e, rest, err := next(x.Value, q)
	if err != nil {
		*q |= ValueNotDER
		return
	}
	if len(rest) > 0 {
		*q |= TrailingInValue
	}
	c.lintAll(e.Full, 1)
	switch string(x.OID) {
	case OIDSubjectAltName, OIDIssuerAltName:
		*q |= lintNames(e)
	case OIDBasicConstraints:
		// cA BOOLEAN DEFAULT FALSE.
		if v, _, err := next(e.Body, q); err == nil && v.ID == idBoolean &&
			len(v.Body) == 1 && v.Body[0] == 0 {
			*q |= ExplicitDefault
		}
	}
}

func lintNames(list Element) (q Quirks) {
	if list.ID != idSequence {
		return OddGeneralName
	}
	if len(list.Body) == 0 {
		return EmptyAltNames
	}
	for b := list.Body; len(b) > 0; {
		e, rest, err := next(b, &q)
		if err != nil {
			return q
		}
		if (GeneralName{ID: e.ID}).Kind() == OddName {
			q |= OddGeneralName
		}
		b = rest
	}
	return q
}

// lintAll looks at all elements of b and, within constructed ones, at theirs.
func (c *Certificate) lintAll(b []byte, depth int) {
	q := &c.Quirks
	if depth > maxDepth {
		*q |= TooDeep
		return
	}
	for len(b) > 0 {
		c.elements++
		var id byte
		var body []byte
		// As in next, but without an Element: this loop is half the walker.
		if len(b) >= 2 && b[0]&idNumber != idNumber && b[1] < 0x80 && 2+int(b[1]) <= len(b) {
			end := 2 + int(b[1])
			id, body, b = b[0], b[2:end], b[end:]
		} else {
			e, rest, err := nextLong(b, q, 0)
			if err != nil {
				// The fields that the walk reads have their own errors.
				*q |= ValueNotDER
				return
			}
			id, body, b = e.ID, e.Body, rest
		}
		switch {
		case id&idConstructed == 0:
			*q |= lintPrimitive(id, body)
			if id == idOID || id == idContext|8 {
				c.longestOID = max(c.longestOID, len(body))
			}
			continue
		case id == idSet:
			*q |= lintSet(body)
		case id != idSequence && id&idClass == 0:
			*q |= ConstructedString
		}
		c.lintAll(body, depth+1)
	}
}

func lintPrimitive(id byte, b []byte) Quirks {
	switch id {
	case idBoolean:
		if len(b) != 1 || b[0] != 0 && b[0] != 0xff {
			return BooleanNotDER
		}
	case idInteger:
		if len(b) == 0 {
			return EmptyInteger
		}
		if !minimalInteger(b) {
			return NonMinimalInteger
		}
	case idBitString:
		return lintBits(b)
	case idNull:
		if len(b) != 0 {
			return NullContent
		}
	case idOID:
		if !minimalOID(b) {
			return NonMinimalOID
		}
	}
	return 0
}

func lintBits(b []byte) Quirks {
	bits, unused, err := bitString(b)
	if err != nil || unused > 0 && bits[len(bits)-1]&(1<<unused-1) != 0 {
		return UnusedBits
	}
	return 0
}

func lintSet(b []byte) (q Quirks) {
	if len(b) == 0 {
		return EmptySet
	}
	var last []byte
	for len(b) > 0 {
		e, rest, err := next(b, &q)
		if err != nil {
			return q
		}
		if last != nil && bytes.Compare(last, e.Full) > 0 {
			q |= UnsortedSet
		}
		last, b = e.Full, rest
	}
	return q
}
