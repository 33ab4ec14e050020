// Reads codes out of pictures, for browsers that cannot: zxing as WebAssembly, beside the page so that the
// page never waits for it. Fetched when a camera is opened. It comes from our own address, like everything.
importScripts("static:lib/zxing.js");
const { prepareZXingModule, readBarcodes } = ZXingWASM;
prepareZXingModule({ overrides: { locateFile: () => "static:lib/zxing.wasm" } });
const OPTIONS = {
  formats: ["EAN13", "EAN8", "UPCA", "Code128", "ITF14", "DataMatrix", "QRCode"],
  tryHarder: true, maxNumberOfSymbols: 8, textMode: "Plain",
};
let canvas = null;

onmessage = async ({ data: { number, picture } }) => {
  try {
    const { width, height } = picture;
    if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(picture, 0, 0);
    picture.close();
    const found = await readBarcodes(pen.getImageData(0, 0, width, height), OPTIONS);
    postMessage({ number, codes: found.filter((one) => one.isValid).map(({ text, format, contentType, symbologyIdentifier, position: p }) => ({
      // What is GS1 says so, as a scanner does that sends its identifiers.
      text: contentType === "GS1" ? symbologyIdentifier + text : text,
      sure: format === "DataMatrix" || format === "QRCode",
      x: (p.topLeft.x + p.topRight.x + p.bottomLeft.x + p.bottomRight.x) / 4 / width,
      y: (p.topLeft.y + p.topRight.y + p.bottomLeft.y + p.bottomRight.y) / 4 / height,
    })) });
  } catch (error) {
    postMessage({ number, error: String(error) });
  }
};
