// The key "/" goes to the search field of a screen, unless somebody is typing. Keys of buttons are Streamlit's own.
(() => {
  if (window.minuteriskKeys) return;
  window.minuteriskKeys = true;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = document.activeElement;
    if (at && (at.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(at.tagName))) return;
    const field = document.querySelector('input[type="search"]');
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
})();
