import { counted } from './print.ts'

/** `45 seconds`, `12.5 minutes`, `3.2 hours` */
export function durationText(minutes: number): string {
  if (minutes < 1) return counted(Math.ceil(minutes * 60), 'second')
  if (minutes < 120) return `${minutes.toFixed(1)} minutes`
  return `${(minutes / 60).toFixed(1)} hours`
}
