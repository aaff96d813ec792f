package inspect

import (
	"crypto/subtle"
	"errors"
	"net/http"
)

var (
	errCancelled = errors.New("inspect: cancelled by hand")
	errStopped   = errors.New("inspect: stopped by hand")
)

// post calls an action, for a form of ours alone.
func (h *handler) post(w http.ResponseWriter, r *http.Request, action func(http.ResponseWriter, *http.Request)) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<12)
	if err := h.origin.Check(r); err != nil {
		http.Error(w, "inspect: "+err.Error(), http.StatusForbidden)
		return
	}
	if subtle.ConstantTimeCompare([]byte(r.FormValue("token")), []byte(h.token)) == 0 {
		http.Error(w, "inspect: the form is not of this process", http.StatusForbidden)
		return
	}
	action(w, r)
}

func (h *handler) cancelCall(w http.ResponseWriter, r *http.Request) {
	source := sourceOf(h.system)
	if source == nil || !source.CancelCall(idOf(r), errCancelled) {
		http.Error(w, "inspect: there is no such call now", http.StatusNotFound)
		return
	}
	http.Redirect(w, r, "tree", http.StatusSeeOther)
}

func (h *handler) stopCaller(w http.ResponseWriter, r *http.Request) {
	source := sourceOf(h.system)
	if source == nil || !source.StopCaller(r.FormValue("id"), errStopped) {
		http.Error(w, "inspect: there is no such caller now", http.StatusNotFound)
		return
	}
	http.Redirect(w, r, "tree", http.StatusSeeOther)
}
