CREATE TABLE "released_volumes" (
	"period" text NOT NULL,
	"dimension" text NOT NULL,
	"value" text NOT NULL,
	"count" bigint NOT NULL,
	"total_amount" numeric(24, 2) NOT NULL,
	"technology_amount" numeric(24, 2) NOT NULL,
	"sellers" integer NOT NULL,
	"buyers" integer NOT NULL,
	"largest_total" numeric(24, 2) NOT NULL,
	"largest_technology" numeric(24, 2) NOT NULL,
	CONSTRAINT "released_volumes_cell" PRIMARY KEY("period","dimension","value")
);
--> statement-breakpoint
CREATE TABLE "volume_releases" (
	"quarter" text PRIMARY KEY NOT NULL,
	"position" bigint NOT NULL,
	"released_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "volume_releases_quarter_shape" CHECK (quarter ~ '^[0-9]{4}-Q[1-4]$')
);
--> statement-breakpoint
CREATE INDEX "released_volumes_dimension" ON "released_volumes" USING btree ("dimension");