/**
 * The numbers of the interrupt layer: what a handler returns, request flags, line settings, chip flags, state bits.
 * Values a driver or a log line can see are Linux's (include/linux/{interrupt,irq,irqreturn}.h); the packing of the state word
 * is ours: Linux keeps the IRQD_ and IRQS_ flags in two words, here both share one, so that a flow reads one word.
 */

// --- irqreturn_t ---
export const IRQ_NONE = 0;
export const IRQ_HANDLED = 1;
export const IRQ_WAKE_THREAD = 2;

// --- trigger types ---
export const IRQ_TYPE_NONE = 0;
export const IRQ_TYPE_EDGE_RISING = 1;
export const IRQ_TYPE_EDGE_FALLING = 2;
export const IRQ_TYPE_EDGE_BOTH = 3;
export const IRQ_TYPE_LEVEL_HIGH = 4;
export const IRQ_TYPE_LEVEL_LOW = 8;
export const IRQ_TYPE_LEVEL_MASK = 12;
export const IRQ_TYPE_SENSE_MASK = 15;
/** What a chip is asked for while probing. */
export const IRQ_TYPE_PROBE = 16;
/** Of 2006: they pick the simple and the per-CPU flow and do not reach the chip (our numbers). */
export const IRQ_TYPE_SIMPLE = 32;
export const IRQ_TYPE_PERCPU = 64;

// --- request flags ---
export const IRQF_TRIGGER_NONE = 0;
export const IRQF_TRIGGER_RISING = 1;
export const IRQF_TRIGGER_FALLING = 2;
export const IRQF_TRIGGER_HIGH = 4;
export const IRQF_TRIGGER_LOW = 8;
export const IRQF_TRIGGER_MASK = 15;
export const IRQF_SHARED = 0x80;
export const IRQF_PROBE_SHARED = 0x100;
/** The bit that only timers have; IRQF_TIMER is it with NO_SUSPEND and NO_THREAD. */
export const __IRQF_TIMER = 0x200;
export const IRQF_PERCPU = 0x400;
export const IRQF_NOBALANCING = 0x800;
export const IRQF_IRQPOLL = 0x1000;
export const IRQF_ONESHOT = 0x2000;
export const IRQF_NO_SUSPEND = 0x4000;
export const IRQF_FORCE_RESUME = 0x8000;
export const IRQF_NO_THREAD = 0x10000;
export const IRQF_EARLY_RESUME = 0x20000;
export const IRQF_COND_SUSPEND = 0x40000;
export const IRQF_NO_AUTOEN = 0x80000;
export const IRQF_NO_DEBUG = 0x100000;
export const IRQF_COND_ONESHOT = 0x200000;
export const IRQF_TIMER = 0x14200;

// The names of 2006 ("A new generic IRQ layer").
export const SA_TRIGGER_RISING: number = IRQF_TRIGGER_RISING;
export const SA_TRIGGER_FALLING: number = IRQF_TRIGGER_FALLING;
export const SA_TRIGGER_HIGH: number = IRQF_TRIGGER_HIGH;
export const SA_TRIGGER_LOW: number = IRQF_TRIGGER_LOW;

/** The number of a line that is connected to nothing: requests give ENOTCONN. */
export const IRQ_NOTCONNECTED = 0x80000000;

// --- what requestAnyContextIrq returns ---
export const IRQC_IS_HARDIRQ = 0;
export const IRQC_IS_NESTED = 1;

// --- settings of a line (irqModifyStatus) ---
export const IRQ_LEVEL = 0x100;
export const IRQ_PER_CPU = 0x200;
export const IRQ_NOPROBE = 0x400;
export const IRQ_NOREQUEST = 0x800;
export const IRQ_NOAUTOEN = 0x1000;
export const IRQ_NO_BALANCING = 0x2000;
export const IRQ_MOVE_PCNTXT = 0x4000;
export const IRQ_NESTED_THREAD = 0x8000;
export const IRQ_NOTHREAD = 0x10000;
export const IRQ_PER_CPU_DEVID = 0x20000;
export const IRQ_IS_POLLED = 0x40000;
export const IRQ_DISABLE_UNLAZY = 0x80000;
export const IRQ_HIDDEN = 0x100000;
export const IRQ_NO_DEBUG = 0x200000;

// --- chip flags ---
export const IRQCHIP_SET_TYPE_MASKED = 0x1;
export const IRQCHIP_EOI_IF_HANDLED = 0x2;
export const IRQCHIP_MASK_ON_SUSPEND = 0x4;
export const IRQCHIP_ONOFFLINE_ENABLED = 0x8;
export const IRQCHIP_SKIP_SET_WAKE = 0x10;
export const IRQCHIP_ONESHOT_SAFE = 0x20;
export const IRQCHIP_EOI_THREADED = 0x40;
export const IRQCHIP_SUPPORTS_LEVEL_MSI = 0x80;
export const IRQCHIP_SUPPORTS_NMI = 0x100;
export const IRQCHIP_ENABLE_WAKEUP_ON_SUSPEND = 0x200;
export const IRQCHIP_AFFINITY_PRE_STARTUP = 0x400;
export const IRQCHIP_IMMUTABLE = 0x800;
export const IRQCHIP_MOVE_DEFERRED = 0x1000;

// --- what irqSetAffinity and irqSetType of a chip return, beside a negative errno ---
export const IRQ_SET_MASK_OK = 0;
/** The chip has recorded it itself: the layer does not copy. */
export const IRQ_SET_MASK_OK_NOCOPY = 1;
export const IRQ_SET_MASK_OK_DONE = 2;

// --- irqGet/SetIrqchipState ---
export const IRQCHIP_STATE_PENDING = 0;
export const IRQCHIP_STATE_ACTIVE = 1;
export const IRQCHIP_STATE_MASKED = 2;
export const IRQCHIP_STATE_LINE_LEVEL = 3;

// --- the state word: trigger in the low four bits, then ---
export const IRQD_TRIGGER_MASK = 0xf;
export const IRQD_IRQ_DISABLED: number = 1 << 4;
export const IRQD_IRQ_MASKED: number = 1 << 5;
export const IRQD_IRQ_INPROGRESS: number = 1 << 6;
export const IRQD_LEVEL: number = 1 << 7;
export const IRQD_PER_CPU: number = 1 << 8;
export const IRQD_NO_BALANCING: number = 1 << 9;
export const IRQD_IRQ_STARTED: number = 1 << 10;
export const IRQD_ACTIVATED: number = 1 << 11;
export const IRQD_WAKEUP_STATE: number = 1 << 12;
export const IRQD_WAKEUP_ARMED: number = 1 << 13;
export const IRQD_AFFINITY_SET: number = 1 << 14;
export const IRQD_AFFINITY_MANAGED: number = 1 << 15;
export const IRQD_MANAGED_SHUTDOWN: number = 1 << 16;
export const IRQD_SETAFFINITY_PENDING: number = 1 << 17;
export const IRQD_DEFAULT_TRIGGER_SET: number = 1 << 18;
export const IRQD_SINGLE_TARGET: number = 1 << 19;
export const IRQD_RESEND_WHEN_IN_PROGRESS: number = 1 << 20;
export const IRQS_PENDING: number = 1 << 21;
export const IRQS_REPLAY: number = 1 << 22;
export const IRQS_WAITING: number = 1 << 23;
export const IRQS_ONESHOT: number = 1 << 24;
export const IRQS_SPURIOUS_DISABLED: number = 1 << 25;
export const IRQS_POLL_INPROGRESS: number = 1 << 26;
export const IRQS_SUSPENDED: number = 1 << 27;
export const IRQS_AUTODETECT: number = 1 << 28;
/** The spurious detector wants to see handled interrupts of this line, too: some were not, or threads are to be judged (ours). */
export const IRQS_WATCHED: number = 1 << 29;
export const IRQD_IRQ_ENABLED_ON_SUSPEND: number = 1 << 30;
/** The sign bit: arrivals outside hard interrupt context are refused. */
export const IRQD_HANDLE_ENFORCE_IRQCTX: number = 0x80000000 | 0;
