package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// mostText bounds each name and error that is shown, in bytes, but for the ellipsis.
	mostText = 256
	// hashBytes is how much of the hash of an id is shown.
	hashBytes = 8
	// mostID bounds each id that is shown, with the ellipsis and the hash.
	mostID = mostText + len("…") + 1 + 2*hashBytes
)

// Clean returns text of user code, or of another node, as it is shown: on one line, without
// control characters, and cut.
func Clean(text string) string {
	if isClean(text, mostText) {
		return text
	}
	cut := strings.ToValidUTF8(text[:min(len(text), mostText)], "\uFFFD")
	cut = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, cut)
	end := min(len(cut), mostText)
	for end < len(cut) && !utf8.RuneStart(cut[end]) {
		end--
	}
	if cut = cut[:end]; len(text) > mostText {
		cut += "…"
	}
	return cut
}

// isClean reports whether text has at most so many bytes, on one line.
func isClean(text string, most int) bool {
	if len(text) > most || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// CleanID returns the id of a caller as it is shown. Ids that differ beyond what is shown
// have a hash at the end, so that they are told apart. The id of what is returned is that
// itself.
func CleanID(id string) string {
	if isClean(id, mostText) || hasHash(id) && isClean(id, mostID) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return Clean(id) + "~" + hex.EncodeToString(sum[:hashBytes])
}

// hasHash reports whether an id ends as CleanID has those end that are cut.
func hasHash(id string) bool {
	at := len(id) - 2*hashBytes - 1
	if at < 0 || id[at] != '~' {
		return false
	}
	_, err := hex.DecodeString(id[at+1:])
	return err == nil
}
