package lab

import "time"

// impostors are CAs with a genuine CA's name and another key.
func (l *Lab) impostors() []Case {
	whole, leaf := l.cloneChain(l.Root.KeyID)
	fresh, freshLeaf := l.cloneChain(ImpostorRootKey().ID)
	foreign := l.SelfSignedCA(Named("O=Lab Interceptor, CN=Lab Interceptor CA"), InterceptorKey())
	middle := l.impostorIntermediate(foreign)
	bare := l.LeafTemplate()
	bare.Key = ForgedKey()
	bare.Keep(IDSAN)
	return []Case{
		l.forged("impostor-chain", "forged", []string{"the root's name and key identifier, and not its key", "copied SCTs do not verify"},
			leaf, whole.Intermediate.DER).beside(l.Chain()...).
			firing("chain-known-ca-not-verified", "sct-signature-invalid", "issuance-serial-reused", "key-identifier-reused", "time-validity-copied"),
		l.forged("impostor-chain-root-served", "forged", []string{"a served root with a known root's name and another key"},
			leaf, whole.Intermediate.DER, whole.Root.DER).firing("chain-impostor-ca"),
		l.forged("impostor-chain-own-key-ids", "suspicious", []string{"the root's name under a key identifier that is not known"},
			freshLeaf, fresh.Intermediate.DER, fresh.Root.DER),
		l.forged("impostor-intermediate", "suspicious", []string{"the intermediate's name and key identifier under an unknown root"},
			l.cloneLeaf(middle), middle.DER, foreign.DER),
		l.forged("impostor-leaf-only", "", []string{"the issuer's certificate is not served", "SCTs do not verify"},
			leaf),
		l.forged("impostor-bare-profile", "suspicious", []string{"a CA's name over a leaf with nothing but SAN"},
			bare.Sign(middle.Key, ""), middle.DER),
	}
}

// cloneChain is the whole hierarchy again under other keys. The key identifiers
// of leaf and intermediate are the genuine ones; that of the root is given.
func (l *Lab) cloneChain(rootID []byte) (*Lab, []byte) {
	clone := &Lab{Host: l.Host, At: l.At, LeafKey: ForgedKey()}
	root := rootTemplate(l.Root.Name, ImpostorRootKey(), l.At)
	root.Set(SKI(rootID))
	clone.Root = newCA(root, ImpostorRootKey(), ImpostorRootKey())
	clone.Intermediate = clone.impostorOf(l.Intermediate, clone.Root)
	return clone, l.cloneLeaf(clone.Intermediate)
}

// impostorIntermediate is the genuine intermediate's name and key identifier over
// another key, signed by a foreign CA.
func (l *Lab) impostorIntermediate(signer *CA) *CA { return l.impostorOf(l.Intermediate, signer) }

func (l *Lab) impostorOf(genuine, signer *CA) *CA {
	t := (&Lab{At: l.At, Root: signer}).intermediateTemplate(genuine.Name, ImpostorKey())
	t.Set(SKI(genuine.KeyID))
	return newCA(t, ImpostorKey(), signer.Key)
}

// cloneLeaf is the genuine leaf with another key, its SCTs copied: everything
// that can be copied is, down to the serial number.
func (l *Lab) cloneLeaf(issuer *CA) []byte {
	t := l.LeafTemplate()
	t.Set(SCTList(t, l.Intermediate, t.NotBefore.Add(time.Minute)))
	t.Key = ForgedKey()
	t.Set(SKI(ForgedKey().ID))
	return t.Sign(issuer.Key, "")
}
