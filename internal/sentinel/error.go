// Package sentinel makes the errors that packages export to be matched with errors.Is. Each
// has a name, which traces and metrics have as the attribute error.type.
package sentinel

// failure is an error that is matched by itself, and matches the error that it is a case of.
type failure struct {
	name, text string
	of         error // nil for none
}

// New returns an error with a text. The name is short, in lower case, and unique.
func New(name, text string) error { return &failure{name: name, text: text} }

// NewOf is [New] for a special case of another error.
func NewOf(of error, name, text string) error { return &failure{name, text, of} }

// Error returns the text.
func (f *failure) Error() string { return f.text }

// Unwrap returns the error that f is a case of, or nil.
func (f *failure) Unwrap() error { return f.of }

// ErrorType returns the name. The semantic conventions of OpenTelemetry ask errors for it.
func (f *failure) ErrorType() string { return f.name }
