/** The theme that was chosen, set before anything is drawn. Its button is in app.js. */

{
  const theme = localStorage.getItem("dqueue.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
