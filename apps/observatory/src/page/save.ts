/** Files for the visitor: text, SVG with its colours, caption and link in it, PNG made from that. */

/** Hands a file to the visitor. Characters that file systems refuse become dashes. */
export function save(name: string, type: string, data: string | Blob): void {
  const url = URL.createObjectURL(data instanceof Blob ? data : new Blob([data], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name.replace(/[^\w.-]+/g, "-");
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const PROPERTIES = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "font",
  "text-anchor",
  "opacity",
  "visibility",
];

/** A drawing as a file that needs no style sheet. */
export function svgText(svg: SVGSVGElement, caption: string, link: string): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = [svg, ...svg.querySelectorAll<SVGElement>("*")];
  const to = [copy, ...copy.querySelectorAll<SVGElement>("*")];
  for (let i = 0; i < from.length; i++) {
    const style = getComputedStyle(from[i]);
    for (const p of PROPERTIES) {
      const v = style.getPropertyValue(p);
      if (v !== "") to[i].style.setProperty(p, v);
    }
    to[i].removeAttribute("tabindex");
    to[i].removeAttribute("data-mark");
  }
  const box = svg.viewBox.baseVal;
  const lines = [...wrapped(caption, Math.max(30, Math.floor(box.width / 6.5))), link.slice(0, 300)];
  const height = box.height + 10 + lines.length * 16;
  copy.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${height}`);
  copy.setAttribute("width", String(box.width));
  copy.setAttribute("height", String(height));
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const root = getComputedStyle(document.documentElement);
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [k, v] of Object.entries({ x: box.x, y: box.y, width: box.width, height }))
    ground.setAttribute(k, String(v));
  ground.setAttribute("fill", root.getPropertyValue("--panel"));
  copy.prepend(ground);
  lines.forEach((line, i) => {
    const t = document.createElementNS("http://www.w3.org/2000/svg", "text");
    t.setAttribute("x", String(box.x + 4));
    t.setAttribute("y", String(box.y + box.height + 16 + i * 16));
    t.setAttribute("style", `font:12px sans-serif;fill:${root.getPropertyValue("--ink")}`);
    t.textContent = line;
    copy.append(t);
  });
  return new XMLSerializer().serializeToString(copy);
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const w of text.split(" ")) {
    if (line.length + w.length > width) {
      lines.push(line);
      line = "";
    }
    line += `${line === "" ? "" : " "}${w}`;
  }
  return [...lines, line];
}

/** A drawing as PNG, twice its size. */
export async function toPng(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width * 2;
  canvas.height = image.height * 2;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return await new Promise((ok, err) =>
    canvas.toBlob((b) => (b === null ? err(new Error("the picture is too large")) : ok(b)), "image/png"),
  );
}
