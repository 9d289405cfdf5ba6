// Package batch finds RSA moduli that share a prime factor, among all moduli of
// a run at once. Two such moduli fall to one greatest common divisor; devices
// that make keys before they have randomness make them (Heninger et al., "Mining
// Your Ps and Qs", 2012).
//
// # Design
//
// The textbook product and remainder trees (Bernstein, "How to find smooth parts
// of integers", 2004) spend most of their time in divisions by squares. Here the
// way up carries the sum of P/n over all moduli n beside the product P, and the
// way down carries that sum's fraction of P to as many bits as the numbers below
// need: at a leaf, P/n mod n comes out of one multiplication. The only division
// is at the root, by Newton's method. Large products use the multiplication of
// Schönhage and Strassen (github.com/remyoudompheng/bigfft; math/big stops at
// Karatsuba's). 10 000 moduli of 2048 bits take four seconds of CPU time instead
// of twenty.
//
// Memory grows with the number of moduli. More than one chunk of them are worked
// on as pairs of half chunks, so that every two moduli meet in one tree.
package batch
