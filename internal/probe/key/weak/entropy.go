package weak

import "math/bits"

// biased counts one bits. Bounds are nine standard deviations for 2048 bits and
// nearly eight for 512: chances of 10^-19 and 10^-14. A modulus whose lower half
// is even-handed has digits of its owner's choice in front, which is legitimate
// ("vanity") and no finding.
func biased(k *modulus) (Result, bool) {
	size := k.n.BitLen()
	if size < minEntropyBits {
		return Result{}, false
	}
	ones := 0
	for _, w := range k.words {
		ones += bits.OnesCount64(w)
	}
	if evenHanded(ones, size, size) {
		return Result{}, false
	}
	low := k.words[len(k.words)-len(k.words)/2:]
	ones = 0
	for _, w := range low {
		ones += bits.OnesCount64(w)
	}
	return Result{Name: BiasedModulus}, !evenHanded(ones, 64*len(low), size)
}

// minEntropyBits is the size below which counting bits says nothing; such a
// modulus can be factored anyway.
const minEntropyBits = 384

// evenHanded says whether ones of total bits are set, give or take what chance
// allows for a modulus of size bits.
func evenHanded(ones, total, size int) bool {
	margin := 17
	switch {
	case size > 2000:
		margin = 10
	case size > 1000:
		margin = 12
	}
	percent := ones * 100 / total
	return percent > 50-margin && percent <= 50+margin
}

// Repetition of groups of up to maxPeriod octets over patternRun octets more
// than one group: 2^-117 by chance in 4096 bits.
const (
	maxPeriod  = 8
	patternRun = 16
)

// patterned finds a short group of octets that repeats.
func patterned(k *modulus) (Result, bool) {
	b := k.n.Bytes()
	for period := 1; period <= maxPeriod; period++ {
		run := 0
		for i := period; i < len(b); i++ {
			if b[i] != b[i-period] {
				run = 0
				continue
			}
			if run++; run == patternRun {
				return Result{Name: PatternedModulus}, true
			}
		}
	}
	return Result{}, false
}
