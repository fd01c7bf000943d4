// A click on a cell of the matrix chooses it, or no more; the chosen pairs are the component's value.
element.addEventListener("click", (event) => {
  const cell = event.target.closest("button[data-pair]");
  if (!cell) return;
  const pair = cell.dataset.pair;
  props.value = props.value.includes(pair) ? props.value.filter((other) => other !== pair) : [...props.value, pair];
  trigger("select");
});
