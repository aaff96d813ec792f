package inspect

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
)

// policy is what a browser may do with a page: nothing from elsewhere, and no script or
// style in the page itself.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

var (
	errForeign = errors.New("only requests from this machine are served: see inspect.Authorize")
	errHost    = errors.New("the Host header names another machine: see inspect.Authorize")
	errProxy   = errors.New("requests that a proxy has passed on are not served: see inspect.Authorize")
)

// guard serves what may be served.
func (h *handler) guard(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	allow := h.allow
	if allow == nil {
		allow = allowLocal
	}
	if err := allow(r); err != nil {
		http.Error(w, "inspect: "+err.Error(), http.StatusForbidden)
		return false
	}
	return true
}

// allowLocal allows requests of this machine. A page of another site can have a browser send
// them here under a name of that site, which the Host header shows.
func allowLocal(r *http.Request) error {
	if !isLoopback(r.RemoteAddr) {
		return errForeign
	}
	if r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != "" {
		return errProxy
	}
	if host := hostOf(r.Host); host != "localhost" && !isLoopback(net.JoinHostPort(host, "0")) {
		return errHost
	}
	return nil
}

func isLoopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// hostOf returns a Host header without its port.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}
