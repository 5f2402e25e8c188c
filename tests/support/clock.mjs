// Loaded first (`--import`), so that the process's clock is wrong by CLOCK_SHIFT milliseconds.
const { now } = Date;
const shift = Number(process.env.CLOCK_SHIFT);
Date.now = () => now() + shift;
