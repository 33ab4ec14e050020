// What a scan feels like: right, wrong, once more, and kept here (not sent yet) each have a tone and a buzz of
// their own. Colour, sign and words are the page's; screen readers speak those.
(() => {
  "use strict";
  let audio = null;

  // Browsers allow sound only after a touch or key: the first one anywhere unlocks it.
  const unlock = () => {
    try {
      audio ??= new AudioContext();
      if (audio.state === "suspended") audio.resume();
    } catch { /* no sound on this device: colour, words and vibration remain */ }
  };
  addEventListener("pointerdown", unlock, true);
  addEventListener("keydown", unlock, true);

  // What this handheld is set to; the page was drawn with it (pwa/settings).
  const set = document.documentElement.dataset;
  const tone = (hertz, start, length, shape) => {
    const swing = audio.createOscillator();
    const volume = audio.createGain();
    swing.type = shape;
    swing.frequency.value = hertz;
    volume.gain.setValueAtTime(set.sound === "loud" ? 0.9 : 0.25, audio.currentTime + start);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + start + length);
    swing.connect(volume).connect(audio.destination);
    swing.start(audio.currentTime + start);
    swing.stop(audio.currentTime + start + length);
  };

  const feel = {
    last: "",
    play(mood) {
      feel.last = mood;
      if (mood === "info") return;
      if (set.buzz !== "off") navigator.vibrate?.(mood === "good" ? [40] : mood === "kept" ? [40, 30, 15] : mood === "again" ? [40, 60, 40] : [80, 60, 80, 60, 80]);
      if (!audio || audio.state !== "running" || set.sound === "off") return;
      if (mood === "good") tone(1320, 0, 0.09, "sine");
      else if (mood === "kept") { tone(1320, 0, 0.09, "sine"); tone(880, 0.1, 0.12, "sine"); }
      else if (mood === "again") { tone(660, 0, 0.08, "triangle"); tone(660, 0.14, 0.08, "triangle"); }
      else { tone(196, 0, 0.16, "sawtooth"); tone(155, 0.18, 0.26, "sawtooth"); }
    },
  };
  document.addEventListener("click", (event) => { const mood = event.target.dataset?.hear; if (mood) feel.play(mood); });
  window.yipan = { ...(window.yipan || {}), feel };
})();
